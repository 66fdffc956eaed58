/** Runs an ended run again from one of its nodes, with other inputs if one likes. */
import { useState } from "react";
import { sameJson } from "../model/json.ts";
import { parseJson } from "./input-fields.ts";
import { rerunFrom } from "./run-actions.ts";
import { RunDialogFrame } from "./run-dialog.tsx";
import { RunIcon } from "./run-icons.tsx";
import { openRunDialog, useRun } from "./run-store.ts";

export function RerunDialog({ node }: { readonly node: string }) {
  const [before] = useState(() => inputsBefore(node));
  const [texts, setTexts] = useState(
    () => new Map(Object.entries(before).map(([name, value]) => [name, written(value)])),
  );
  const busy = useRun((run) => run.busy);
  const read = new Map([...texts].map(([name, text]) => [name, parseJson(text)]));
  const wrong = [...read.values()].some((one) => "problem" in one);
  const changed = Object.fromEntries(
    [...read].flatMap(([name, one]) =>
      "value" in one && !sameJson(one.value, before[name]) ? [[name, one.value]] : [],
    ),
  );
  const count = Object.keys(changed).length;
  const close = (): void => openRunDialog(undefined);
  const submit = async (): Promise<void> => {
    if (wrong || busy) return;
    await rerunFrom(node, count > 0 ? changed : undefined);
  };
  return (
    <RunDialogFrame
      title={`Run again from ${node}`}
      onClose={close}
      onSubmit={() => void submit()}
      footer={
        <>
          <span className="run-dim">
            {count === 0 ? "With the same inputs" : `${count} ${count === 1 ? "input" : "inputs"} changed`}
          </span>
          <span className="run-space" />
          <button type="button" className="run-button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="run-button run-button-run" disabled={busy || wrong}>
            <RunIcon name="retry" /> {busy ? "Starting…" : "Run again"}
          </button>
        </>
      }
    >
      <p className="run-dim">
        A new run takes over everything that came before {node}, and does {node} and what follows anew.
      </p>
      {texts.size === 0 ? <p>The node has no inputs.</p> : null}
      {[...texts].map(([name, text]) => {
        const one = read.get(name);
        return (
          <div key={name} className="run-field">
            <label htmlFor={`run-rerun-${name}`}>
              <span className="run-field-name">{name}</span>
              <span className="run-field-type">JSON</span>
            </label>
            <textarea
              id={`run-rerun-${name}`}
              className="run-code"
              rows={Math.min(8, text.split("\n").length)}
              spellCheck={false}
              value={text}
              aria-invalid={one !== undefined && "problem" in one}
              onChange={(event) => setTexts(new Map(texts).set(name, event.target.value))}
            />
            {one && "problem" in one ? <span className="run-problem">is not JSON: {one.problem}</span> : null}
          </div>
        );
      })}
    </RunDialogFrame>
  );
}

/** What the node ran with; of START, what the run was given. */
function inputsBefore(node: string): Readonly<Record<string, unknown>> {
  const { shown } = useRun.getState();
  const { graph, submitted } = shown?.frames ?? {};
  if (node === graph?.start) return submitted?.inputs ?? {};
  return shown?.cursor.activation(node, `${node}@`)?.inputs ?? {};
}

function written(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
