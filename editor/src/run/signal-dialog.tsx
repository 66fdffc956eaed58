/** Sends a signal to the shown run. */
import { useState } from "react";
import { parseJson } from "./input-fields.ts";
import { signal } from "./run-actions.ts";
import { RunDialogFrame } from "./run-dialog.tsx";
import { openRunDialog, useRun } from "./run-store.ts";

export function SignalDialog({ name: wanted }: { readonly name: string }) {
  const [name, setName] = useState(wanted);
  const [payload, setPayload] = useState("null");
  const busy = useRun((run) => run.busy);
  const read = parseJson(payload);
  const close = (): void => openRunDialog(undefined);
  const submit = async (): Promise<void> => {
    if ("problem" in read || name === "" || busy) return;
    if (await signal(name, read.value)) close();
  };
  return (
    <RunDialogFrame
      title="Send a signal"
      onClose={close}
      onSubmit={() => void submit()}
      footer={
        <>
          <span className="run-space" />
          <button type="button" className="run-button" onClick={close}>
            Cancel
          </button>
          <button
            type="submit"
            className="run-button run-button-run"
            disabled={busy || "problem" in read || name === ""}
          >
            Send
          </button>
        </>
      }
    >
      <div className="run-field">
        <label htmlFor="run-signal-name">
          <span className="run-field-name">Name</span>
        </label>
        <input id="run-signal-name" value={name} onChange={(event) => setName(event.target.value)} />
      </div>
      <div className="run-field">
        <label htmlFor="run-signal-payload">
          <span className="run-field-name">Payload</span>
          <span className="run-field-type">JSON</span>
        </label>
        <textarea
          id="run-signal-payload"
          className="run-code"
          rows={5}
          spellCheck={false}
          value={payload}
          onChange={(event) => setPayload(event.target.value)}
          aria-invalid={"problem" in read}
        />
        {"problem" in read ? <span className="run-problem">is not JSON: {read.problem}</span> : null}
      </div>
    </RunDialogFrame>
  );
}
