/** What the shown run knows of a node: each activation with its state, times, attempts, error, and its values in and out. */
import { helpFor } from "../../../flow/index.ts";
import type { ErrorInfo } from "../api/answers.ts";
import { ActivationPicker } from "./activation-picker.tsx";
import type { ActivationFrame } from "./frame.ts";
import { CopyButton, JsonView, ValueList } from "./json-view.tsx";
import { openChild, retry } from "./run-actions.ts";
import { useNodeRun, usePickedActivation } from "./run-hooks.ts";
import { RunIcon } from "./run-icons.tsx";
import { isLive, openRunDialog, useRun } from "./run-store.ts";
import { formatSeconds, stateNames, waitText } from "./run-text.ts";

export function RunNodeDetails({ id }: { readonly id: string }) {
  const hasRun = useRun(({ shown }) => shown !== undefined);
  const node = useNodeRun(id);
  const activation = usePickedActivation(id);
  if (!hasRun) return null;
  return (
    <section className="run-details" aria-label="Run">
      <h3>In this run</h3>
      {node && activation ? (
        <>
          {node.activations > 1 ? <ActivationPicker id={id} activation={activation} /> : null}
          <Activation activation={activation} />
          <Actions id={id} activation={activation} />
        </>
      ) : (
        <p className="run-dim">The run has not reached this node yet at the moment that is shown.</p>
      )}
    </section>
  );
}

function Activation({ activation }: { readonly activation: ActivationFrame }) {
  const { state, attempts, inputs, outputs, error, workedMs, reused, consumer } = activation;
  const why = waitText(activation);
  return (
    <>
      <p className="run-state-line">
        <span className="run-chip" data-state={state}>
          {stateNames[state]}
        </span>
        {why === undefined ? null : <span>{why}</span>}
        {workedMs === undefined ? null : <span>{formatSeconds(workedMs / 1000)}</span>}
        {reused ? <span>taken over from an earlier run</span> : null}
        {consumer === undefined ? null : <span>for {consumer}</span>}
      </p>
      {error ? <ErrorBox error={error} /> : null}
      {attempts.length > 1 ? <Attempts activation={activation} /> : null}
      <Values title="Inputs" values={inputs} empty="It has not got its inputs." />
      {state === "completed" || state === "failed" || outputs ? (
        <Values title="Outputs" values={outputs} empty="It gave nothing." />
      ) : null}
    </>
  );
}

export function ErrorBox({ error }: { readonly error: ErrorInfo }) {
  const help = helpFor(error.code);
  return (
    <div className="run-error" role="note">
      <strong>{error.code}</strong>
      <p>{error.message}</p>
      {help === undefined ? null : <p className="run-dim">{help}</p>}
      {error.details === undefined ? null : <JsonView value={error.details} open={1} />}
    </div>
  );
}

function Attempts({ activation: { attempts } }: { readonly activation: ActivationFrame }) {
  return (
    <table className="run-table">
      <caption>Attempts</caption>
      <thead>
        <tr>
          <th>#</th>
          <th>State</th>
          <th>Waited</th>
          <th>Ran</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map(({ number, state, queuedMs, startedMs, workedMs, error, cached }) => (
          <tr key={number} title={error?.message}>
            <td>{number}</td>
            <td>
              <span className="run-chip" data-state={state}>
                {cached ? "Cached" : error ? error.code : stateNames[state]}
              </span>
            </td>
            <td>{startedMs === undefined ? "" : formatSeconds((startedMs - queuedMs) / 1000)}</td>
            <td>{workedMs === undefined ? "" : formatSeconds(workedMs / 1000)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ValuesProps {
  readonly title: string;
  readonly values: Readonly<Record<string, unknown>> | undefined;
  readonly empty: string;
}

function Values({ title, values, empty }: ValuesProps) {
  const entries = Object.entries(values ?? {});
  return (
    <fieldset className="run-values" aria-label={title}>
      <h4>
        {title}
        {entries.length > 0 ? <CopyButton value={values} what={title.toLowerCase()} /> : null}
      </h4>
      {entries.length === 0 ? (
        <p className="run-dim">{values === undefined ? empty : "None."}</p>
      ) : (
        <ValueList values={values ?? {}} open={1} />
      )}
    </fieldset>
  );
}

function Actions({ id, activation }: { readonly id: string; readonly activation: ActivationFrame }) {
  const status = useRun((run) => run.status);
  const busy = useRun((run) => run.busy);
  const isEnded = status !== undefined && !isLive(status);
  const isSubflow = useRun(({ shown }) => shown?.frames.graph?.nodes.get(id)?.kind === "subflow");
  const canRerun = isEnded && activation.scope === "" && activation.consumer === undefined;
  return (
    <p className="run-actions">
      {activation.waitsFor === "operator" && !isEnded ? (
        <button type="button" className="run-button" disabled={busy} onClick={() => void retry(id)}>
          <RunIcon name="retry" /> Try again
        </button>
      ) : null}
      {isSubflow && activation.attempts.length > 0 ? (
        <button type="button" className="run-button" disabled={busy} onClick={() => void openChild(activation)}>
          <RunIcon name="forth" /> Open its run
        </button>
      ) : null}
      {canRerun ? (
        <button type="button" className="run-button" onClick={() => openRunDialog({ is: "rerun", node: id })}>
          <RunIcon name="retry" /> Run again from here…
        </button>
      ) : null}
    </p>
  );
}
