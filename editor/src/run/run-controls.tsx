/** The buttons of the top bar: run, debug, past runs; while a run goes on, what can be done to it. */
import { askToRun, control } from "./run-actions.ts";
import { RunIcon } from "./run-icons.tsx";
import { isLive, openRunDialog, useRun } from "./run-store.ts";

export function RunControls() {
  const live = useRun(({ shown, status }) => shown?.origin === "started" && isLive(status));
  const busy = useRun((run) => run.busy);
  return (
    <fieldset className="run-controls" aria-label="Run">
      {live ? (
        <button
          type="button"
          className="run-button run-button-stop"
          disabled={busy}
          onClick={() => void control("cancel")}
          title="Stop (Shift+F5)"
        >
          <RunIcon name="stop" /> Stop
        </button>
      ) : (
        <button
          type="button"
          className="run-button run-button-run"
          disabled={busy}
          onClick={() => askToRun(false)}
          title="Run (Ctrl+Enter)"
        >
          <RunIcon name="play" /> Run
        </button>
      )}
      <button
        type="button"
        className="run-button"
        disabled={busy || live}
        onClick={() => askToRun(true)}
        title="Debug: stop at breakpoints (Ctrl+Shift+Enter)"
      >
        <RunIcon name="bug" /> Debug
      </button>
      <button
        type="button"
        className="run-button"
        onClick={() => openRunDialog({ is: "runs" })}
        title="Past runs (Ctrl+Shift+H)"
      >
        <RunIcon name="history" /> Runs
      </button>
    </fieldset>
  );
}
