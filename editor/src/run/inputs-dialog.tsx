/** Asks for the inputs that START declares, then runs the flow. */
import { useMemo, useState } from "react";
import { useDocument } from "../stores/document-store.ts";
import { InputFieldRow } from "./input-field-row.tsx";
import { type Draft, declaredInputs, fieldsOf, type InputField, readFreeInputs, readInputs } from "./input-fields.ts";
import { keepInputs, lastInputs } from "./last-inputs.ts";
import { startRun } from "./run-actions.ts";
import { RunDialogFrame } from "./run-dialog.tsx";
import { RunIcon } from "./run-icons.tsx";
import { openRunDialog, useRun } from "./run-store.ts";

export function InputsDialog({ debug }: { readonly debug: boolean }) {
  const document = useDocument((state) => state.document);
  const schema = useMemo(() => declaredInputs(document), [document]);
  const fields = useMemo(() => (schema ? fieldsOf(schema) : undefined), [schema]);
  const [drafts, setDrafts] = useState<Readonly<Record<string, Draft>>>(() => lastInputs(document.name));
  const [tried, setTried] = useState(false);
  const busy = useRun((run) => run.busy);
  const read = schema ? readInputs(schema, drafts) : readFreeInputs(drafts[""] ?? "");
  const change = (name: string, draft: Draft): void => setDrafts((before) => ({ ...before, [name]: draft }));
  const close = (): void => openRunDialog(undefined);
  const submit = async (): Promise<void> => {
    setTried(true);
    if (read.problems.size > 0 || busy) return;
    keepInputs(document.name, drafts);
    if (await startRun(read.inputs, debug)) {
      if (useRun.getState().dialog?.is === "inputs") close();
    }
  };
  const what = debug ? "Debug" : "Run";
  return (
    <RunDialogFrame
      title={`${what} ${document.name}`}
      onClose={close}
      onSubmit={() => void submit()}
      footer={
        <>
          {Object.values(drafts).some((draft) => draft !== undefined) ? (
            <button type="button" className="run-link" onClick={() => setDrafts({})}>
              Clear
            </button>
          ) : null}
          <span className="run-space" />
          <button type="button" className="run-button" onClick={close}>
            Cancel
          </button>
          <button
            type="submit"
            className="run-button run-button-run"
            disabled={busy}
            data-autofocus={fields?.length === 0 ? true : undefined}
          >
            <RunIcon name={debug ? "bug" : "play"} /> {busy ? "Starting…" : what}
          </button>
        </>
      }
    >
      {fields?.length === 0 ? <p className="run-dim">This flow takes no inputs.</p> : null}
      {fields?.map((field, at) => (
        <InputFieldRow
          key={field.name}
          field={field}
          draft={drafts[field.name]}
          problem={read.problems.get(field.name)}
          showProblem={tried}
          isFirst={at === 0}
          onChange={(draft) => change(field.name, draft)}
        />
      ))}
      {fields ? null : (
        <InputFieldRow
          field={FREE}
          draft={drafts[""]}
          problem={read.problems.get("")}
          showProblem={tried}
          isFirst
          onChange={(draft) => change("", draft)}
        />
      )}
    </RunDialogFrame>
  );
}

const FREE: InputField = {
  name: "Inputs",
  type: { type: "any" },
  typeText: "JSON object",
  required: false,
  defaultText: undefined,
  description: "START declares no inputs: each entry becomes one of its outputs.",
  form: "json",
};
