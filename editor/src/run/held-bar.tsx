/** What a run is held at, and the ways on. */
import { activationKey } from "./frame.ts";
import { control, goOn, step } from "./run-actions.ts";
import { RunIcon } from "./run-icons.tsx";
import { seek, useRun } from "./run-store.ts";
import { scopeText } from "./run-text.ts";
import { showNode } from "./show-node.ts";

export function HeldBar() {
  const held = useRun(({ shown }) => shown?.frames.frames.at(-1)?.held);
  const busy = useRun((run) => run.busy);
  if (!held || held.length === 0) return null;
  const show = (node: string, scope: string): void => {
    seek(Number.POSITIVE_INFINITY);
    showNode(node, activationKey(node, scope));
  };
  return (
    <fieldset className="run-held" aria-label="Debugger">
      <span>
        Held before{" "}
        {held.slice(0, 6).map(({ node, scope }) => (
          <button key={`${node}@${scope}`} type="button" className="run-link" onClick={() => show(node, scope)}>
            {node}
            {scope === "" ? "" : ` (${scopeText(scope)})`}
          </button>
        ))}
        {held.length > 6 ? ` and ${held.length - 6} more` : null}
      </span>
      <span className="run-space" />
      <button type="button" className="run-button" disabled={busy} onClick={() => void step()} title="Step (F10)">
        <RunIcon name="step" /> Step
      </button>
      <button type="button" className="run-button" disabled={busy} onClick={() => void goOn()} title="Continue (F8)">
        <RunIcon name="play" /> Continue
      </button>
      <button
        type="button"
        className="run-button run-button-stop"
        disabled={busy}
        onClick={() => void control("cancel")}
        title="Stop (Shift+F5)"
      >
        <RunIcon name="stop" /> Stop
      </button>
    </fieldset>
  );
}
