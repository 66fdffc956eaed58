/** `rayflow top` in a terminal: reads, draws, and does what keys say, until it is told to stop. */
import { setTimeout as delay } from "node:timers/promises";
import type { Overview, OverviewReader } from "../gateway/index.ts";
import { openScreen } from "./screen.ts";
import { RUN_SORTS, type RunSort, TYPE_SORTS, type TypeSort, topLines } from "./top-view.ts";

export interface TopSessionOptions {
  readonly reader: Pick<OverviewReader, "read">;
  readonly intervalMs: number;
  readonly runSort: RunSort;
  readonly typeSort: TypeSort;
  readonly color: boolean;
  /** Leaves when it aborts. */
  readonly signal: AbortSignal;
}

const FASTEST_MS = 250;
const SLOWEST_MS = 60_000;

/** Says whether the user left by Ctrl-C. */
export async function watchTop(options: TopSessionOptions): Promise<{ interrupted: boolean }> {
  const { reader, color, signal } = options;
  let { intervalMs, runSort, typeSort } = options;
  let overview: Overview | undefined;
  let problem: string | undefined;
  let frozen = false;
  let interrupted = false;
  let next = new AbortController();
  const left = new AbortController();
  const leaving = AbortSignal.any([signal, left.signal]);

  const keys: Readonly<Record<string, () => void>> = {
    q: () => left.abort(),
    "ctrl-c": () => {
      interrupted = true;
      left.abort();
    },
    r: () => (runSort = following(RUN_SORTS, runSort)),
    t: () => (typeSort = following(TYPE_SORTS, typeSort)),
    " ": () => {
      frozen = !frozen;
      if (!frozen) next.abort();
    },
    "+": () => (intervalMs = Math.max(FASTEST_MS, intervalMs / 2)),
    "-": () => (intervalMs = Math.min(SLOWEST_MS, intervalMs * 2)),
  };
  const draw = (): void => {
    const footer = `q quit  r sort runs  t sort types  space ${frozen ? "go on" : "hold"}  +/- every ${intervalMs / 1000} s`;
    const { width, height } = screen;
    if (overview === undefined) return screen.draw([problem ?? "reading ...", footer]);
    const view = { width, height, color, runSort, typeSort, footer, ...(problem === undefined ? {} : { problem }) };
    screen.draw(topLines(overview, view));
  };
  using screen = openScreen(process.stdin, process.stdout, {
    onKey: (key) => {
      keys[key]?.();
      if (!leaving.aborted) draw();
    },
    onResize: () => draw(),
  });
  draw();
  while (!leaving.aborted) {
    if (!frozen) {
      try {
        overview = await unless(leaving, reader.read());
        problem = undefined;
      } catch (error) {
        // The connection comes back by itself; until then what was read last stays.
        problem = `${new Date().toISOString().slice(11, 19)} no answer: ${error instanceof Error ? error.message : error}`;
      }
      if (leaving.aborted) break;
      draw();
    }
    next = new AbortController();
    await delay(intervalMs, undefined, { signal: AbortSignal.any([leaving, next.signal]) }).catch(() => {});
  }
  return { interrupted };
}

function following<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length] ?? one;
}

/** What comes when it is still wanted; a reading that hangs does not keep the user. */
function unless<T>(aborted: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(new Error("left"));
    if (aborted.aborted) return give();
    aborted.addEventListener("abort", give, { once: true });
    promise.then(resolve, reject).finally(() => aborted.removeEventListener("abort", give));
  });
}
