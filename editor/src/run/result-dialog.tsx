/** How a run ended: its result or its error, and where the time went. */

import type { RunResult } from "../api/answers.ts";
import { CopyButton, ValueList } from "./json-view.tsx";
import { askToRun } from "./run-actions.ts";
import { RunDialogFrame } from "./run-dialog.tsx";
import { RunIcon } from "./run-icons.tsx";
import { ErrorBox } from "./run-node-details.tsx";
import { RunStatistics } from "./run-statistics.tsx";
import { openRunDialog, useRun } from "./run-store.ts";
import { formatSeconds } from "./run-text.ts";
import { showFailure } from "./show-node.ts";

export function ResultDialog() {
  const result = useRun((run) => run.result);
  const shown = useRun((run) => run.shown);
  if (!result || !shown) return null;
  const close = (): void => openRunDialog(undefined);
  const show = (node: string): void => {
    close();
    showFailure(node);
  };
  const node = result.error?.node_id;
  const known = node !== undefined && shown.frames.graph?.nodes.has(node) === true;
  return (
    <RunDialogFrame
      title={titleOf(result)}
      tone={result.success ? "success" : result.status === "cancelled" ? "plain" : "error"}
      size="large"
      onClose={close}
      onSubmit={close}
      footer={
        <>
          {shown.origin === "started" ? (
            <button
              type="button"
              className="run-button"
              onClick={() => {
                close();
                askToRun(false);
              }}
            >
              <RunIcon name="play" /> Run again
            </button>
          ) : null}
          <span className="run-space" />
          {!result.success && node !== undefined && known ? (
            <button type="button" className="run-button" onClick={() => show(node)}>
              Show {node}
            </button>
          ) : null}
          <button type="submit" className="run-button run-button-run" data-autofocus>
            Close
          </button>
        </>
      }
    >
      {result.success ? <Success result={result} /> : <Failure result={result} />}
      <RunStatistics statistics={result.statistics} onChoose={show} />
    </RunDialogFrame>
  );
}

function titleOf({ success, status, statistics }: RunResult): string {
  const took = formatSeconds(statistics.total_time);
  if (success) return `The flow succeeded in ${took}`;
  return status === "cancelled" ? `The run was cancelled after ${took}` : `The flow failed after ${took}`;
}

function Success({ result }: { readonly result: RunResult }) {
  const values = result.result ?? {};
  return (
    <fieldset aria-label="Result">
      <p className="run-state-line">
        <span className="run-chip" data-status="succeeded">
          {result.status_code}
        </span>
        <span>returned by {result.return}</span>
        <CopyButton value={values} what="the result" />
      </p>
      {Object.keys(values).length === 0 ? (
        <p className="run-dim">RETURN has no inputs: the result is empty.</p>
      ) : (
        <ValueList values={values} open={2} />
      )}
    </fieldset>
  );
}

function Failure({ result }: { readonly result: RunResult }) {
  const { error, statistics } = result;
  const others = statistics.errors.filter((one) => one.message !== error?.message);
  return (
    <fieldset aria-label="Error">
      {error?.node_id === undefined ? null : (
        <p>
          At node <code>{error.node_id}</code>
        </p>
      )}
      {error ? <ErrorBox error={error} /> : null}
      {others.length === 0 ? null : (
        <details>
          <summary>
            {others.length} other {others.length === 1 ? "error" : "errors"} on the way
          </summary>
          {others.map((one, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
            <ErrorBox key={at} error={one} />
          ))}
        </details>
      )}
    </fieldset>
  );
}
