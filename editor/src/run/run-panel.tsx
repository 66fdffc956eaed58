/** The bottom panel of a run: where it stands and what can be done, its history to slide through, its waterfall. */
import { useEffect } from "react";
import { HeldBar } from "./held-bar.tsx";
import { stopPlay } from "./playback.ts";
import { askToRun } from "./run-actions.ts";
import { RunHistory } from "./run-history.tsx";
import { RunIcon } from "./run-icons.tsx";
import { RunLine } from "./run-line.tsx";
import { openRunDialog, useRun } from "./run-store.ts";
import { WaterfallView } from "./waterfall-view.tsx";

export function RunPanel() {
  const shown = useRun((run) => run.shown);
  useEffect(() => stopPlay, []);
  if (!shown) return <NoRun />;
  return (
    <section className="run-panel" aria-label={`Run ${shown.runId}`}>
      <RunLine />
      <HeldBar />
      <RunHistory />
      <WaterfallView key={shown.runId} />
    </section>
  );
}

function NoRun() {
  return (
    <div className="run-none">
      <p>Nothing is shown yet. Run the flow and watch it here, or open a run of the past.</p>
      <p>
        <button type="button" className="run-button run-button-run" onClick={() => askToRun(false)}>
          <RunIcon name="play" /> Run
        </button>
        <button type="button" className="run-button" onClick={() => openRunDialog({ is: "runs" })}>
          <RunIcon name="history" /> Past runs
        </button>
      </p>
    </div>
  );
}
