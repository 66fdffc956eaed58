/** The flows on the server: open one, delete one, begin another. */
import { useCallback, useEffect, useState } from "react";
import type { FlowSummary } from "../api/answers.ts";
import { ask } from "../stores/ask-store.ts";
import { api } from "../stores/gateway.ts";
import { useSession } from "../stores/session-store.ts";
import { toast, toastError } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { Dialog } from "./dialog.tsx";
import { openFlow } from "./flow-actions.ts";
import { IconButton } from "./icon-button.tsx";
import { Icon } from "./icons.tsx";

const STATUS = { draft: "Draft", deployed: "Deployed", changed: "Changed since deployed" } as const;

export function FlowsDialog({ close }: { readonly close: () => void }) {
  const [flows, setFlows] = useState<readonly FlowSummary[]>();
  const [problem, setProblem] = useState<string>();
  const [query, setQuery] = useState("");
  const savedAs = useSession((session) => session.savedAs);

  const load = useCallback(async () => {
    try {
      setFlows((await api.flows()).flows);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);
  useEffect(() => void load(), [load]);

  const shown = (flows ?? []).filter((flow) => flow.name.toLowerCase().includes(query.trim().toLowerCase()));
  return (
    <Dialog
      title="Flows"
      size="large"
      onClose={close}
      footer={
        <>
          <button type="button" className="button" onClick={() => useView.getState().openDialog("import")}>
            <Icon name="import" /> Import a file
          </button>
          <button type="button" className="button button-primary" onClick={() => useView.getState().openDialog("new")}>
            <Icon name="plus" /> New flow
          </button>
        </>
      }
    >
      <div className="search-field">
        <Icon name="search" />
        <input
          type="search"
          className="field"
          aria-label="Search flows"
          placeholder="Search flows"
          autoFocus
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      {problem === undefined ? null : (
        <p className="notice notice-error" role="alert">
          {problem}{" "}
          <button type="button" className="button button-small" onClick={() => void load()}>
            Try again
          </button>
        </p>
      )}
      {flows === undefined && problem === undefined ? <p className="quiet">Loading flows…</p> : null}
      {flows?.length === 0 ? (
        <p className="quiet">There are no flows on the server yet. Draw one and save it.</p>
      ) : null}
      <ul className="flows" aria-label="Flows">
        {shown.map((flow) => (
          <li key={flow.name} data-current={flow.name === savedAs}>
            <button
              type="button"
              className="flow-row"
              onClick={async () => {
                if (await openFlow(flow.name)) close();
              }}
            >
              <Icon name="file" />
              <span className="flow-name">{flow.name}</span>
              <span className={`status status-${flow.status}`}>{STATUS[flow.status] ?? flow.status}</span>
              <span className="quiet flow-detail">
                {flow.nodes} {flow.nodes === 1 ? "node" : "nodes"}
              </span>
              <span className="quiet flow-detail">{timeOf(flow)}</span>
            </button>
            <IconButton
              icon="trash"
              tone="danger"
              label={`Delete ${flow.name}`}
              onClick={() => void remove(flow, load)}
            />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function timeOf({ saved_at, deployed_at }: FlowSummary): string {
  const at = saved_at ?? deployed_at;
  return at === undefined ? "" : new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

async function remove({ name, status }: FlowSummary, reload: () => Promise<void>): Promise<void> {
  const text =
    status === "draft"
      ? "What was saved of it is gone then."
      : "What was saved of it is gone then, and nobody can run it by its name any more. Past runs stay.";
  if ((await ask(`Delete ${name}?`, text, [{ value: "delete", label: "Delete", tone: "danger" }])) === undefined)
    return;
  try {
    await api.deleteFlow(name);
    if (useSession.getState().savedAs === name) {
      useSession.setState({ savedAs: undefined, revision: undefined, saved: undefined, version: undefined });
    }
    toast("success", `Deleted ${name}`);
  } catch (error) {
    toastError(`${name} was not deleted`, error);
  }
  await reload();
}
