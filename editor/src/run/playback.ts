/** Plays a run's history like a film. */
import { seek, useRun } from "./run-store.ts";

const TICK_MS = 80;
/** A film takes no longer than this, however long the history, ms; a short one shows each frame for a moment. */
const LONGEST_MS = 12_000;
const SLOWEST_TICKS = 4;

let timer: ReturnType<typeof setInterval> | undefined;

export function togglePlay(): void {
  if (useRun.getState().playing) stopPlay();
  else play();
}

/** From the shown frame; from the beginning when that is the last. */
function play(): void {
  const { length, index, shown } = useRun.getState();
  if (!shown || length < 2) return;
  if (index >= length - 1) seek(0);
  useRun.setState({ playing: true, following: false });
  const perTick = length / (LONGEST_MS / TICK_MS);
  let position = useRun.getState().index;
  clearInterval(timer);
  timer = setInterval(() => {
    const now = useRun.getState();
    if (now.shown !== shown || !now.playing) return stopPlay();
    position += Math.max(perTick, 1 / SLOWEST_TICKS);
    if (Math.floor(position) !== now.index) seek(Math.floor(position));
    if (useRun.getState().index >= useRun.getState().length - 1) stopPlay();
  }, TICK_MS);
}

export function stopPlay(): void {
  clearInterval(timer);
  timer = undefined;
  if (useRun.getState().playing) useRun.setState({ playing: false });
}

/** One frame on or back; ends a film. */
export function stepBy(frames: number): void {
  stopPlay();
  seek(useRun.getState().index + frames);
}
