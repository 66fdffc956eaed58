/** The slider through a run's history. */
import type { KeyboardEvent } from "react";
import { stepBy, stopPlay, togglePlay } from "./playback.ts";
import { RunIcon } from "./run-icons.tsx";
import { isLive, seek, useRun } from "./run-store.ts";
import { formatSeconds } from "./run-text.ts";

export function RunHistory() {
  const index = useRun((run) => run.index);
  const length = useRun((run) => run.length);
  const playing = useRun((run) => run.playing);
  const frame = useRun(({ shown, revision }) => (revision >= 0 ? shown?.cursor.frame : undefined));
  const began = useRun(({ shown, length: count }) => (count > 0 ? shown?.frames.frames[0]?.timeMs : undefined));
  const behind = useRun((run) => !run.following && isLive(run.status));
  const last = Math.max(0, length - 1);
  const after = frame && began !== undefined ? formatSeconds((frame.timeMs - began) / 1000) : "";
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== " ") return;
    event.preventDefault();
    togglePlay();
  };
  const go = (to: number): void => {
    stopPlay();
    seek(to);
  };
  return (
    <fieldset className="run-history" aria-label="History">
      <button
        type="button"
        className="run-icon-button"
        aria-label="First step"
        disabled={index <= 0}
        onClick={() => go(0)}
      >
        <RunIcon name="first" />
      </button>
      <button
        type="button"
        className="run-icon-button"
        aria-label="Step back"
        disabled={index <= 0}
        onClick={() => stepBy(-1)}
      >
        <RunIcon name="back" />
      </button>
      <button
        type="button"
        className="run-icon-button"
        aria-label={playing ? "Pause the replay" : "Play the replay"}
        disabled={length < 2}
        onClick={togglePlay}
      >
        <RunIcon name={playing ? "pause" : "play"} />
      </button>
      <button
        type="button"
        className="run-icon-button"
        aria-label="Step on"
        disabled={index >= last}
        onClick={() => stepBy(1)}
      >
        <RunIcon name="forth" />
      </button>
      <button
        type="button"
        className="run-icon-button"
        aria-label="Last step"
        disabled={index >= last}
        onClick={() => go(last)}
      >
        <RunIcon name="last" />
      </button>
      <input
        type="range"
        className="run-slider"
        aria-label="Position in the run's history"
        aria-valuetext={frame ? `Step ${index + 1} of ${length}, after ${after}: ${frame.summary}` : "No steps yet"}
        min={0}
        max={last}
        value={Math.max(0, index)}
        onChange={(event) => go(Number(event.target.value))}
        onKeyDown={onKeyDown}
      />
      <span className="run-position">
        {length === 0 ? "–" : `${index + 1} / ${length}`}
        <span className="run-dim"> {after}</span>
      </span>
      <span className="run-summary" title={frame?.summary}>
        {frame?.summary ?? ""}
      </span>
      {behind ? (
        <button type="button" className="run-link" onClick={() => go(last)}>
          Follow live
        </button>
      ) : null}
    </fieldset>
  );
}
