import { useState } from "react";
import { Dialog } from "./dialog.tsx";
import { newFlow } from "./flow-actions.ts";
import { flowNameProblem } from "./flow-name.ts";

export function NewFlowDialog({ close }: { readonly close: () => void }) {
  const [name, setName] = useState("");
  const problem = name === "" ? undefined : flowNameProblem(name);
  const create = async () => {
    if (flowNameProblem(name) !== undefined) return;
    close();
    await newFlow(name);
  };
  return (
    <Dialog
      title="New flow"
      size="small"
      onClose={close}
      footer={
        <button
          type="button"
          className="button button-primary"
          disabled={flowNameProblem(name) !== undefined}
          onClick={() => void create()}
        >
          Create
        </button>
      }
    >
      <label className="stack">
        Name
        <input
          type="text"
          className="field"
          autoFocus
          aria-invalid={problem !== undefined}
          placeholder="order"
          value={name}
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") void create();
          }}
        />
      </label>
      <p className={problem === undefined ? "quiet" : "field-error"}>
        {problem ?? "Letters, digits, _ and -. Programs run the flow by this name once it is deployed."}
      </p>
    </Dialog>
  );
}
