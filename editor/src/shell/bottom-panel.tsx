/** The panel under the canvas: what is wrong, and the run. */
import { RunPanel } from "../run/index.ts";
import { useProblems } from "../stores/problems-store.ts";
import { type BottomTab, useView } from "../stores/view-store.ts";
import { IconButton } from "./icon-button.tsx";
import { Icon } from "./icons.tsx";
import { ProblemsList } from "./problems-list.tsx";

export function BottomPanel() {
  const tab = useView((view) => view.bottomTab);
  const showBottom = useView((view) => view.showBottom);
  const { problems, errorCount } = useProblems();
  const toggle = (name: BottomTab) => showBottom(tab === name ? undefined : name);
  return (
    <section className="bottom-panel" data-open={tab !== undefined} aria-label="Problems and runs">
      <div className="tabs" role="tablist" aria-label="Panel">
        <button type="button" role="tab" aria-selected={tab === "problems"} onClick={() => toggle("problems")}>
          <Icon name={errorCount > 0 ? "error" : problems.length > 0 ? "warning" : "check"} />
          Problems
          <span className={`count ${errorCount > 0 ? "count-error" : ""}`}>{problems.length}</span>
        </button>
        <button type="button" role="tab" aria-selected={tab === "run"} onClick={() => toggle("run")}>
          <Icon name="play" />
          Run
        </button>
        <span className="grow" />
        {tab === undefined ? null : (
          <IconButton icon="close" label="Close the panel" onClick={() => showBottom(undefined)} />
        )}
      </div>
      {tab === undefined ? null : (
        <div className="bottom-content" role="tabpanel" aria-label={tab === "problems" ? "Problems" : "Run"}>
          {tab === "problems" ? <ProblemsList /> : <RunPanel />}
        </div>
      )}
    </section>
  );
}
