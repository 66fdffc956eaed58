/** What lies over a node of the canvas: its breakpoint, and of the shown run its state, time, attempts and iterations. */
import { useDocument } from "../stores/document-store.ts";
import { useView } from "../stores/view-store.ts";
import { useHasBreakpoint } from "./breakpoints-store.ts";
import type { NodeFrame, NodeState } from "./frame.ts";
import { toggleBreakpointsOn } from "./run-actions.ts";
import { useNodeRun } from "./run-hooks.ts";
import { RunIcon, type RunIconName } from "./run-icons.tsx";
import { formatSeconds, stateNames } from "./run-text.ts";

const ICONS: Partial<Record<NodeState, RunIconName>> = {
  completed: "check",
  failed: "cross",
  waiting: "clock",
  held: "pause",
  skipped: "skip",
  cancelled: "stop",
};

export function RunNodeOverlay({ id }: { readonly id: string }) {
  const run = useNodeRun(id);
  return (
    <>
      <Gutter id={id} />
      {run ? <Badges run={run} /> : null}
    </>
  );
}

function Gutter({ id }: { readonly id: string }) {
  const edited = useDocument(({ document }) => document.name);
  const flow = useView(({ frozen }) => frozen?.document.name) ?? edited;
  const set = useHasBreakpoint(flow, id);
  return (
    <button
      type="button"
      className={`run-gutter nodrag nopan${set ? " run-gutter-set" : ""}`}
      aria-label={set ? `Remove the breakpoint on ${id}` : `Set a breakpoint on ${id}`}
      aria-pressed={set}
      title={set ? "Remove the breakpoint (F9)" : "Set a breakpoint (F9)"}
      tabIndex={-1}
      onClick={(event) => {
        event.stopPropagation();
        void toggleBreakpointsOn([id]);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    />
  );
}

function Badges({ run }: { readonly run: NodeFrame }) {
  const { state, seconds, activations, counts, latest } = run;
  const icon = ICONS[state];
  const settled = state === "completed" || state === "failed";
  const time = settled || seconds > 0 ? formatSeconds(seconds) : undefined;
  const attempts = latest.attempts.length;
  return (
    <div className="run-badges" data-state={state}>
      <span className="run-badge run-badge-state" title={stateNames[state]}>
        {state === "running" ? <span className="run-spinner" /> : icon ? <RunIcon name={icon} /> : null}
        <span className="run-visually-hidden">{stateNames[state]}</span>
        {time === undefined ? null : <span className="run-badge-time">{time}</span>}
      </span>
      {attempts > 1 ? (
        <span className="run-badge run-badge-attempts" title={`${attempts} attempts`}>
          <RunIcon name="retry" />
          {attempts}
        </span>
      ) : null}
      {activations > 1 ? (
        <span className="run-badge run-badge-count" title={countsText(counts)}>
          ×{activations}
          {counts.failed !== undefined && counts.failed < activations ? (
            <span className="run-badge-failed">{counts.failed} failed</span>
          ) : null}
        </span>
      ) : null}
    </div>
  );
}

function countsText(counts: NodeFrame["counts"]): string {
  return Object.entries(counts)
    .map(([state, times]) => `${times} ${stateNames[state as NodeState].toLowerCase()}`)
    .join(", ");
}
