/** The list of runs, live ones first, kept up to date; each opens on its own version of its flow. */
import { type KeyboardEvent, useState } from "react";
import type { RunStanding, RunSummary } from "../api/answers.ts";
import { useDocument } from "../stores/document-store.ts";
import { openRun } from "./run-actions.ts";
import { RunDialogFrame } from "./run-dialog.tsx";
import { useRunList } from "./run-list.ts";
import { openRunDialog } from "./run-store.ts";
import { agoText, formatSeconds, statusNames } from "./run-text.ts";

const SINCE: readonly (readonly [string, number | undefined])[] = [
  ["Any time", undefined],
  ["The last hour", 3_600],
  ["The last day", 86_400],
  ["The last week", 604_800],
];

export function RunsDialog() {
  const edited = useDocument(({ document }) => document.name);
  const [flow, setFlow] = useState("");
  const [status, setStatus] = useState<RunStanding | "">("");
  const [since, setSince] = useState(0);
  const { runs, problem, more, loadMore } = useRunList({
    flow: flow.trim() === "" ? undefined : flow.trim(),
    status: status === "" ? undefined : status,
    sinceSeconds: SINCE[since]?.[1],
  });
  return (
    <RunDialogFrame title="Runs" size="large" onClose={() => openRunDialog(undefined)}>
      <fieldset className="run-filters" aria-label="Filters">
        <label>
          Flow
          <input
            list="run-flows"
            placeholder="every flow"
            value={flow}
            onChange={(event) => setFlow(event.target.value)}
          />
          <datalist id="run-flows">
            <option value={edited} />
          </datalist>
        </label>
        <label>
          Status
          <select value={status} onChange={(event) => setStatus(event.target.value as RunStanding | "")}>
            <option value="">every status</option>
            {Object.entries(statusNames).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Time
          <select value={since} onChange={(event) => setSince(Number(event.target.value))}>
            {SINCE.map(([name], at) => (
              <option key={name} value={at}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {flow === edited ? null : (
          <button type="button" className="run-link" onClick={() => setFlow(edited)}>
            Only {edited}
          </button>
        )}
      </fieldset>
      {problem === undefined ? null : <p className="run-warning">{problem}</p>}
      {runs === undefined ? <p className="run-dim">Asking the server…</p> : <RunTable runs={runs} />}
      {more ? (
        <button type="button" className="run-button" onClick={loadMore}>
          More
        </button>
      ) : null}
    </RunDialogFrame>
  );
}

function RunTable({ runs }: { readonly runs: readonly RunSummary[] }) {
  const now = Date.now();
  if (runs.length === 0) return <p className="run-dim">No run fits. Run a flow, or widen the filters.</p>;
  return (
    <table className="run-table run-list">
      <thead>
        <tr>
          <th>Status</th>
          <th>Flow</th>
          <th>Run</th>
          <th>Began</th>
          <th className="run-number">Took</th>
          <th>Ended with</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row key={run.run_id} run={run} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ run, now }: { readonly run: RunSummary; readonly now: number }) {
  const { run_id, flow, version, status, submitted_at, ended_at, status_code, error, waits_for } = run;
  const took = (ended_at === null ? now : Date.parse(ended_at)) - Date.parse(submitted_at);
  const open = (): void => openRun(run_id);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    open();
  };
  const waits = waits_for.map(waitName).join(", ");
  return (
    <tr
      tabIndex={0}
      aria-label={`Open run ${run_id} of ${flow}: ${statusNames[status]}`}
      onClick={open}
      onKeyDown={onKeyDown}
    >
      <td>
        <span className="run-chip" data-status={status}>
          {statusNames[status]}
        </span>
      </td>
      <td title={version === null ? undefined : `version ${version}`}>{flow}</td>
      <td>
        <code title={run_id}>{run_id.slice(0, 10)}</code>
      </td>
      <td title={new Date(submitted_at).toLocaleString()}>{agoText(submitted_at, now)}</td>
      <td className="run-number">{formatSeconds(Math.max(0, took) / 1000)}</td>
      <td className="run-dim">{ended_at === null ? waits : (error ?? status_code ?? "")}</td>
    </tr>
  );
}

function waitName(wait: RunSummary["waits_for"][number]): string {
  if (wait.kind === "resume") return "waits to be resumed";
  if (wait.kind === "signal") return `waits for signal ${wait.signal}`;
  return wait.kind === "incident" ? `${wait.node} failed` : `${wait.node} (${wait.kind})`;
}
