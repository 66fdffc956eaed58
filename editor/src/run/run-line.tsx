/** One line about the shown run: status, id, times, and the buttons that change it. */
import { useEffect, useState } from "react";
import { useDocument } from "../stores/document-store.ts";
import { CopyButton } from "./json-view.tsx";
import { askToRun, closeRun, control, openRun, retry } from "./run-actions.ts";
import { RunIcon } from "./run-icons.tsx";
import { isLive, openRunDialog, useRun } from "./run-store.ts";
import { formatSeconds, statusNames } from "./run-text.ts";
import { traceUrl, useServerConfig } from "./server-config.ts";

const TICK_MS = 200;

export function RunLine() {
  const shown = useRun((run) => run.shown);
  const status = useRun((run) => run.status);
  const result = useRun((run) => run.result);
  const document = useDocument((state) => state.document);
  if (!shown) return null;
  const flow = shown.frames.submitted?.flow;
  const outdated = shown.origin === "started" && shown.document !== document && result !== undefined;
  return (
    <div className="run-line">
      {status === undefined ? (
        <span className="run-chip">Starting</span>
      ) : (
        <span className="run-chip" data-status={status} role="status" aria-live="polite">
          {statusNames[status]}
        </span>
      )}
      <Elapsed />
      <span className="run-id" title={shown.runId}>
        {flow ? <strong>{flow.name}</strong> : null} <code>{shown.runId.slice(0, 10)}</code>
        <CopyButton value={shown.runId} what="the run's id" />
      </span>
      <Relatives />
      <Connection />
      {outdated ? <span className="run-dim">The flow was changed since</span> : null}
      <span className="run-space" />
      {result ? (
        <button type="button" className="run-button" onClick={() => openRunDialog({ is: "result" })}>
          Result
        </button>
      ) : null}
      <Buttons />
      <TraceLink />
      <button
        type="button"
        className="run-icon-button"
        aria-label="Close the run"
        title="Close the run (Alt+W)"
        onClick={closeRun}
      >
        <RunIcon name="close" />
      </button>
    </div>
  );
}

function Buttons() {
  const status = useRun((run) => run.status);
  const busy = useRun((run) => run.busy);
  const held = useRun(({ shown }) => (shown?.frames.frames.at(-1)?.held.length ?? 0) > 0);
  const origin = useRun(({ shown }) => shown?.origin);
  const waits = useRun(({ shown, revision }) =>
    revision >= 0 ? waitsOf(shown?.frames.graph, shown?.cursor) : undefined,
  );
  if (status === undefined) return null;
  if (!isLive(status)) {
    return (
      <>
        {status === "succeeded" ? null : (
          <button
            type="button"
            className="run-button"
            disabled={busy}
            onClick={() => void retry()}
            title="A new run that takes over what succeeded"
          >
            <RunIcon name="retry" /> Retry what failed
          </button>
        )}
        {origin === "started" ? (
          <button type="button" className="run-button" onClick={() => askToRun(false)}>
            <RunIcon name="play" /> Run again
          </button>
        ) : null}
      </>
    );
  }
  return (
    <>
      {waits?.startsWith("signal ") ? (
        <button
          type="button"
          className="run-button"
          onClick={() => openRunDialog({ is: "signal", name: waits.slice(7) })}
        >
          <RunIcon name="signal" /> Send signal
        </button>
      ) : null}
      {waits === "operator" ? (
        <button type="button" className="run-button" disabled={busy} onClick={() => void retry()}>
          <RunIcon name="retry" /> Try again
        </button>
      ) : null}
      {status === "paused" && !held && waits !== "operator" ? (
        <button type="button" className="run-button" disabled={busy} onClick={() => void control("resume")}>
          <RunIcon name="play" /> Resume
        </button>
      ) : null}
      {status === "running" || status === "waiting" ? (
        <button
          type="button"
          className="run-button"
          disabled={busy}
          onClick={() => void control("pause")}
          title="Start no more nodes"
        >
          <RunIcon name="pause" /> Pause
        </button>
      ) : null}
      {status === "cancelling" ? (
        <button
          type="button"
          className="run-button run-button-stop"
          disabled={busy}
          onClick={() => void control("terminate")}
          title="Do not wait for what is running"
        >
          <RunIcon name="stop" /> End now
        </button>
      ) : (
        <button
          type="button"
          className="run-button run-button-stop"
          disabled={busy}
          onClick={() => void control("cancel")}
          title="Cancel (Shift+F5)"
        >
          <RunIcon name="stop" /> Cancel
        </button>
      )}
    </>
  );
}

interface CursorLike {
  node(id: string): { readonly state: string; readonly latest: { readonly waitsFor: string | undefined } } | undefined;
}
interface GraphLike {
  readonly nodes: ReadonlyMap<string, { readonly kind: string; readonly config: Readonly<Record<string, unknown>> }>;
}

/** `operator`, or `signal <name>`: what the run cannot go on without and a person can give. */
function waitsOf(graph: GraphLike | undefined, cursor: CursorLike | undefined): string | undefined {
  let signal: string | undefined;
  for (const [id, { kind, config }] of graph?.nodes ?? []) {
    const node = cursor?.node(id);
    if (node?.latest.waitsFor === "operator") return "operator";
    if (kind === "wait_signal" && node?.state === "waiting") signal ??= `signal ${String(config.signal ?? "")}`;
  }
  return signal;
}

/** From the submission to the shown frame; of a run that goes on and is followed, to now. */
function Elapsed() {
  const shown = useRun((run) => run.shown);
  useRun((run) => run.revision);
  const ticks = useRun((run) => run.following && isLive(run.status));
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!ticks) return;
    const timer = setInterval(() => redraw((count) => count + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [ticks]);
  const began = shown?.frames.frames[0]?.timeMs;
  const frame = shown?.cursor.frame;
  if (began === undefined || frame === undefined) return null;
  // That the end was written down later is no part of the run.
  const total = frame.kind === "finished" ? shown?.frames.result?.statistics.total_time : undefined;
  if (total !== undefined) return <span className="run-elapsed">{formatSeconds(total)}</span>;
  const at = frame.timeMs;
  // The server's clock and this one differ: the time since the last entry is this one's alone.
  const since = ticks ? Math.max(at, Date.now()) : at;
  return <span className="run-elapsed">{formatSeconds(Math.max(0, since - began) / 1000)}</span>;
}

/** The runs that this one came from. */
function Relatives() {
  const submitted = useRun(({ shown, length }) => (length > 0 ? shown?.frames.submitted : undefined));
  const { parent, reuse } = submitted ?? {};
  return (
    <>
      {parent ? (
        <button type="button" className="run-link" onClick={() => openRun(parent.run)}>
          Its parent
        </button>
      ) : null}
      {reuse ? (
        <button type="button" className="run-link" onClick={() => openRun(reuse.run)}>
          Repeats an earlier run
        </button>
      ) : null}
    </>
  );
}

function Connection() {
  const link = useRun((run) => run.link);
  const problem = useRun((run) => run.linkProblem);
  if (link === "lost") return <span className="run-warning">Connection lost, trying again: {problem}</span>;
  if (link === "failed") return <span className="run-warning">{problem}</span>;
  return null;
}

function TraceLink() {
  const config = useServerConfig();
  const traceparent = useRun(({ shown, length }) => (length > 0 ? shown?.frames.submitted?.traceparent : undefined));
  const url = traceUrl(config?.jaeger_url, traceparent);
  if (url === undefined) return null;
  return (
    <a className="run-button" href={url} target="_blank" rel="noreferrer">
      <RunIcon name="trace" /> Trace
    </a>
  );
}
