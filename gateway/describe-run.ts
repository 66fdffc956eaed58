/** Says in plain data where a folded run stands. Pure. */
import { type ErrorInfo, helpFor } from "../flow/index.ts";
import { type RunResult, runIdOf } from "../nats/index.ts";
import type { Run } from "../orchestrator/index.ts";
import type { RunFolder } from "./run-folder.ts";
import type {
  FailureView,
  HeldView,
  NodeView,
  RunDescription,
  RunStanding,
  RunSummary,
  WaitsFor,
} from "./run-views.ts";

/** Most things that a run is said to wait for in a list. */
const WAITS_IN_SUMMARY = 3;
/** Most things that a run is said to wait for at all: a loop may run a thousand iterations at once. */
const MAX_WAITS = 200;

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function standingOf(folder: RunFolder): RunStanding {
  if (folder.finished) return folder.finished.result.status;
  const { run } = folder;
  if (!run || folder.broken) return folder.broken ? "failed" : "running";
  if (run.state !== "running") return run.state === "submitted" ? "running" : run.state;
  const { inFlight, graph } = run.details;
  for (const { node, pure } of inFlight.values()) {
    if (pure !== undefined || graph.nodes.get(node)?.kind !== "subflow") return "running";
  }
  return "waiting";
}

/** The run must have been submitted. */
export function summaryOf(folder: RunFolder, run: Run): RunSummary {
  const { graph, submittedAt } = run.details;
  const ended = folder.finished;
  const result = ended?.result ?? run.result;
  return {
    run_id: folder.id,
    flow: graph.name,
    version: graph.version ?? null,
    status: standingOf(folder),
    submitted_at: isoTime(submittedAt),
    ended_at: ended ? isoTime(ended.timeMs) : null,
    status_code: result?.status_code ?? null,
    error: (result?.error ?? folder.broken)?.code ?? null,
    waits_for: waitsOf(run, WAITS_IN_SUMMARY),
  };
}

export function descriptionOf(folder: RunFolder, run: Run): RunDescription {
  const { details } = run;
  const last = folder.last ?? { seq: details.seq, timeMs: details.now };
  return {
    ...summaryOf(folder, run),
    waits_for: waitsOf(run, MAX_WAITS),
    at: { event: folder.events, seq: last.seq, time: isoTime(last.timeMs) },
    inputs: { ...details.inputs },
    parent: details.parent?.run ?? null,
    rerun_of: details.reuse?.run ?? null,
    breakpoints: [...(details.debug?.breakpoints ?? [])],
    held: heldOf(run, MAX_WAITS),
    nodes: nodesOf(folder, run),
    failures: failuresOf(folder, run),
    statistics: statisticsOf(folder, run, last.timeMs),
    result: folder.finished?.result ?? run.result ?? null,
  };
}

/** Everything that must come from outside before the run goes on. */
export function waitsOf(run: Run, limit: number): WaitsFor[] {
  const { inFlight, timers, listeners, scopes, graph } = run.details;
  if (run.result) return [];
  const waits: WaitsFor[] = heldOf(run, limit).map(({ node, scope }) => ({ kind: "held", node, scope }));
  if (waits.length >= limit) return waits;
  if (run.state === "paused" && run.details.incidents === 0 && waits.length === 0) waits.push({ kind: "resume" });
  for (const { activations } of scopes.values()) {
    for (const { node, scope, state, error } of activations.values()) {
      if (state === "incident" && error) waits.push({ kind: "incident", node, scope, error });
      if (waits.length >= limit) return waits;
    }
  }
  const untilOf = (id: string | undefined): string | undefined => {
    const timer = id === undefined ? undefined : timers.get(id);
    return timer && isoTime(timer.at);
  };
  for (const [signal, waiting] of listeners) {
    for (const { node, scope } of waiting) {
      const activation = scopes.get(scope)?.activations.get(node);
      if (activation?.state !== "sleeping") continue;
      waits.push({ kind: "signal", node, scope, signal, until: untilOf(activation.timer) ?? null });
      if (waits.length >= limit) return waits;
    }
  }
  for (const [id, { node, scope, at }] of timers) {
    const activation = scopes.get(scope)?.activations.get(node);
    if (activation?.timer !== id || graph.nodes.get(node)?.kind === "wait_signal") continue;
    const until = isoTime(at);
    const retries = activation.state === "backing_off";
    waits.push(
      retries
        ? { kind: "retry", node, scope, until, attempt: activation.attempt + 1 }
        : { kind: "timer", node, scope, until },
    );
    if (waits.length >= limit) return waits;
  }
  for (const [execution, { node, scope, pure }] of inFlight) {
    const type = graph.nodes.get(pure ?? node)?.type ?? "";
    const attempt = Number(/#(\d+)$/.exec(execution)?.[1] ?? 1);
    const child = pure === undefined && graph.nodes.get(node)?.kind === "subflow";
    waits.push(
      child
        ? { kind: "child", node, scope, run_id: runIdOf(execution) }
        : { kind: "actor", node: pure ?? node, scope, type, attempt },
    );
    if (waits.length >= limit) return waits;
  }
  return waits;
}

function heldOf(run: Run, limit: number): HeldView[] {
  const { debug, graph, inputs: given } = run.details;
  const held = debug?.held.filter(({ activation }) => activation.state === "held") ?? [];
  return held.slice(0, limit).map(({ activation: { node, scope, attempt, inputs = {} }, since }) => {
    const { type = "", kind } = graph.nodes.get(node) ?? {};
    // START has no input pins: what it takes in are the run's own.
    return { node, scope, type, attempt, since: isoTime(since), inputs: kind === "start" ? { ...given } : inputs };
  });
}

function nodesOf(folder: RunFolder, run: Run): NodeView[] {
  const { scopes, graph, reuse } = run.details;
  const views: (NodeView & { readonly startedMs: number })[] = [];
  for (const { activations, path } of scopes.values()) {
    for (const activation of activations.values()) {
      const { node, scope, state, attempt, error, startedAt, workedMs } = activation;
      // What was fed into a loop is gathered by an activation of the loop in each iteration: no node of the flow.
      if (node === scopes.get(path)?.region) continue;
      const known = graph.nodes.get(node);
      const settled = state === "completed" || state === "failed";
      const worked = known?.kind === "actor" && settled ? workedMs / 1000 : undefined;
      views.push({
        node,
        scope,
        type: known?.type ?? "",
        state,
        attempt,
        seconds: (scope === "" ? folder.seconds.get(node) : undefined) ?? worked ?? null,
        started_at: startedAt > 0 ? isoTime(startedAt) : null,
        reused: scope === "" && reuse?.results[node] !== undefined,
        error: error ?? null,
        startedMs: startedAt || Number.POSITIVE_INFINITY,
      });
    }
  }
  // In the order they began; what has not begun comes last, in the order of the flow.
  views.sort((a, b) => (a.startedMs === b.startedMs ? 0 : a.startedMs - b.startedMs));
  return views.map(({ startedMs: _, ...view }) => view);
}

function failuresOf(folder: RunFolder, run: Run): FailureView[] {
  const result = folder.finished?.result ?? run.result;
  return [...folder.failures.values()].flatMap(({ node, scope, type, attempts, inputs }) => {
    const error = attempts.at(-1)?.error;
    if (error === undefined) return [];
    const activation = run.details.scopes.get(scope)?.activations.get(node);
    const held = activation?.state === "incident";
    return {
      node,
      scope,
      type,
      attempts: attempts.map(({ attempt, atMs, error }) => ({ attempt, at: isoTime(atMs), error })),
      inputs: activation?.inputs ?? inputs ?? null,
      error,
      help: helpFor(error.code) ?? null,
      fatal: held || isSame(result?.error ?? undefined, error, node),
    };
  });
}

/** Whether the error that ended the run is this one. */
function isSame(ended: ErrorInfo | undefined, error: ErrorInfo, node: string): boolean {
  if (ended === undefined || ended.code !== error.code) return false;
  return ended.node_id === (error.node_id ?? node) && ended.message === error.message;
}

function statisticsOf(folder: RunFolder, run: Run, nowMs: number): RunResult["statistics"] {
  const result = folder.finished?.result ?? run.result;
  if (result) return result.statistics;
  const { statistics, submittedAt } = run.details;
  const { executed, failed, skipped, timesMs, errors } = statistics;
  return {
    total_time: Math.max(0, nowMs - submittedAt) / 1000,
    nodes_executed: executed,
    nodes_failed: failed,
    nodes_skipped: skipped,
    node_times: Object.fromEntries([...timesMs].map(([node, ms]) => [node, ms / 1000])),
    errors: [...errors],
  };
}
