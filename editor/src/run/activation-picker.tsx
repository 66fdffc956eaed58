/** Chooses among the activations of a node: iterations of loops, evaluations of a pure node. */
import type { ActivationFrame } from "./frame.ts";
import { RunIcon } from "./run-icons.tsx";
import { pick, useRun } from "./run-store.ts";
import { scopeText, stateNames } from "./run-text.ts";

/** More than these are not listed; the arrows reach them all. */
const MOST_LISTED = 500;

export function ActivationPicker({ id, activation }: { readonly id: string; readonly activation: ActivationFrame }) {
  // Its list changes with every frame.
  useRun((run) => run.revision);
  const isPicked = useRun(({ picked }) => picked.has(id));
  const all = useRun.getState().shown?.cursor.activations(id) ?? [];
  const at = all.findIndex(({ key }) => key === activation.key);
  const go = (to: number): void => pick(id, all[Math.max(0, Math.min(all.length - 1, to))]?.key);
  const first = Math.max(0, Math.min(at - MOST_LISTED / 2, all.length - MOST_LISTED));
  const failed = all.findIndex(({ state }, index) => state === "failed" && index > at);
  const anyFailed = failed >= 0 ? failed : all.findIndex(({ state }) => state === "failed");
  return (
    <fieldset className="run-picker" aria-label="Iteration">
      <button
        type="button"
        className="run-icon-button"
        aria-label="Previous iteration"
        disabled={at <= 0}
        onClick={() => go(at - 1)}
      >
        <RunIcon name="back" />
      </button>
      <select aria-label="Iteration" value={activation.key} onChange={(event) => pick(id, event.target.value)}>
        {all.slice(first, first + MOST_LISTED).map((one) => (
          <option key={one.key} value={one.key}>
            {nameOf(one)} - {stateNames[one.state]}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="run-icon-button"
        aria-label="Next iteration"
        disabled={at >= all.length - 1}
        onClick={() => go(at + 1)}
      >
        <RunIcon name="forth" />
      </button>
      <span className="run-dim">
        {at + 1} of {all.length}
      </span>
      {anyFailed >= 0 && anyFailed !== at ? (
        <button type="button" className="run-link" onClick={() => go(anyFailed)}>
          Next failed
        </button>
      ) : null}
      {isPicked ? (
        <button type="button" className="run-link" onClick={() => pick(id, undefined)}>
          Follow the latest
        </button>
      ) : null}
    </fieldset>
  );
}

function nameOf({ scope, consumer, key }: ActivationFrame): string {
  const round = /~(\d+)$/.exec(key)?.[1];
  const reader = consumer === undefined ? "" : ` for ${consumer}`;
  return `${scopeText(scope)}${reader}${round === undefined ? "" : `, round ${Number(round) + 1}`}`;
}
