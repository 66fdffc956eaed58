/**
 * The orchestrator's spans of a run, made from what the run noted while it was folded. Ids and times follow from the log
 * alone: whoever makes them again makes the same ones.
 *
 * The tree: `run_flow <flow>`; in it the activations, each with its executions (`send rayflow.node.<type>`, whose children
 * are the actors' spans); in a loop's span its iterations, and in those what ran in them; under a subflow's the child run.
 */
import type { AttributeData, Failure, SpanData } from "../telemetry/index.ts";
import { activationId } from "./run/ids.ts";
import type { RunState } from "./run/run-state.ts";
import type { IterationRecord, NodeRecord, RunRecord, SendRecord, SpanRecord } from "./run/span-records.ts";
import { parseTraceparent, rootSpanId, spanIdOf } from "./run/trace-ids.ts";

type Attributes = Record<string, AttributeData>;
/** What a run's spans are made with. */
export type TracedRun = Pick<
  RunState,
  "id" | "graph" | "traceparent" | "tracestate" | "parent" | "reply" | "submittedAt" | "reuse"
> & { readonly version: string | undefined };

const SUBMISSIONS = "rayflow.flow.run";

/** None of a run that is not traced. */
export function spansOfRun(run: TracedRun, records: readonly SpanRecord[]): SpanData[] {
  const outer = parseTraceparent(run.traceparent);
  if (!outer) return [];
  const common = { traceId: outer.traceId, tracestate: run.tracestate, isParentRemote: false };
  return records.map((record) => ({ ...common, ...ownOf(run, record, outer.spanId) }));
}

function ownOf(run: TracedRun, record: SpanRecord, outerSpanId: string): Own {
  switch (record.of) {
    case "run":
      return rootSpan(run, record, outerSpanId);
    case "node":
      return nodeSpan(run, record);
    case "send":
      return sendSpan(run, record);
    case "iteration":
      return iterationSpan(run, record);
  }
}

type Own = Omit<SpanData, "traceId" | "tracestate" | "isParentRemote"> & Partial<Pick<SpanData, "isParentRemote">>;

function rootSpan(run: TracedRun, record: RunRecord, outerSpanId: string): Own {
  const spanId = rootSpanId(run.id);
  const { name } = run.graph;
  const isChild = run.parent !== undefined;
  return {
    name: `run_flow ${name}`,
    // Somebody waits for the answer, or nobody does; a child run is a part of its parent.
    kind: isChild ? "internal" : run.reply === undefined ? "consumer" : "server",
    spanId,
    // Without a publisher's span the run's own stands in its place.
    parentSpanId: outerSpanId === spanId ? undefined : outerSpanId,
    isParentRemote: !isChild,
    startMs: run.submittedAt,
    endMs: record.end,
    attributes: {
      ...runAttributes(run),
      ...(isChild ? { "rayflow.parent.run.id": run.parent?.run ?? "" } : messaging(run, SUBMISSIONS, "process")),
      "rayflow.run.status": record.status,
      ...(record.returned === undefined ? {} : { "rayflow.run.return": record.returned }),
      "rayflow.nodes.executed": record.executed,
      "rayflow.nodes.failed": record.failed,
      "rayflow.nodes.skipped": record.skippedCount,
      ...skipped(record.skipped),
      ...(run.reuse === undefined ? {} : { "rayflow.rerun.of": run.reuse.run }),
    },
    failure: record.status === "failed" ? failureOf(record.error) : undefined,
  };
}

function nodeSpan(run: TracedRun, record: NodeRecord): Own {
  const { node, scope, start, end, state, attempts, pins, error, iterations } = record;
  const type = typeOf(run, node);
  return {
    name: `${type} ${node}`,
    kind: "internal",
    spanId: activationSpanId(run, node, scope),
    parentSpanId: scopeSpanId(run, scope),
    startMs: start,
    endMs: end,
    attributes: {
      ...runAttributes(run),
      ...nodeAttributes(node, type, scope),
      "rayflow.state": state,
      "rayflow.attempts": attempts,
      ...(pins.length > 0 ? { "rayflow.exec": [...pins] } : {}),
      ...(iterations === undefined ? {} : { "rayflow.iterations": iterations }),
      ...(record.reused ? { "rayflow.reused": true } : {}),
      ...(error && state === "completed" ? { "rayflow.error.ignored": error.code } : {}),
    },
    failure: error && state === "failed" ? error : undefined,
  };
}

function sendSpan(run: TracedRun, record: SendRecord): Own {
  const { id, node, consumer, scope, attempt, start, end, state, error, cached } = record;
  const type = typeOf(run, node);
  const destination = `rayflow.node.${type}`;
  return {
    name: `send ${destination}`,
    kind: "producer",
    spanId: spanIdOf(id),
    parentSpanId: ownerSpanId(run, consumer ?? node, scope),
    startMs: start,
    endMs: end,
    attributes: {
      ...messaging(run, destination, "send"),
      "messaging.message.id": id,
      ...runAttributes(run),
      ...nodeAttributes(node, type, scope),
      "rayflow.attempt": attempt,
      "rayflow.state": state,
      ...(consumer === undefined ? {} : { "rayflow.pulled_by": consumer }),
      ...(cached ? { "rayflow.cached": true } : {}),
    },
    failure: error,
  };
}

function iterationSpan(run: TracedRun, record: IterationRecord): Own {
  const { scope, start, end, state } = record;
  const { loop, outer, index, step } = innermost(scope);
  return {
    name: step,
    kind: "internal",
    spanId: scopeSpanId(run, scope),
    parentSpanId: activationSpanId(run, loop, outer),
    startMs: start,
    endMs: end,
    attributes: {
      ...runAttributes(run),
      ...nodeAttributes(loop, typeOf(run, loop), scope),
      "rayflow.iteration": index,
      "rayflow.state": state,
      ...skipped(record.skipped),
    },
    failure: undefined,
  };
}

/** What an execution belongs to. A loop that gathers in its own body has no activation there: the iteration stands for it. */
function ownerSpanId(run: TracedRun, node: string, scope: string): string {
  return scope !== "" && innermost(scope).loop === node ? scopeSpanId(run, scope) : activationSpanId(run, node, scope);
}

function activationSpanId(run: TracedRun, node: string, scope: string): string {
  return spanIdOf(activationId(run.id, node, scope));
}

/** The run for the root scope, an iteration for any other. */
function scopeSpanId(run: TracedRun, scope: string): string {
  return scope === "" ? rootSpanId(run.id) : spanIdOf(`${run.id}@${scope}`);
}

/** `outer[1]/each[3]` is the iteration 3 of `each` in the scope `outer[1]`. */
function innermost(scope: string): { loop: string; index: number; outer: string; step: string } {
  const at = scope.lastIndexOf("/");
  const step = scope.slice(at + 1);
  const bracket = step.indexOf("[");
  return {
    step,
    loop: step.slice(0, bracket),
    index: Number.parseInt(step.slice(bracket + 1), 10),
    outer: at < 0 ? "" : scope.slice(0, at),
  };
}

function typeOf(run: TracedRun, node: string): string {
  return run.graph.nodes.get(node)?.type ?? "unknown";
}

function runAttributes(run: TracedRun): Attributes {
  const { version } = run;
  return {
    "rayflow.run.id": run.id,
    "rayflow.flow.name": run.graph.name,
    ...(version === undefined ? {} : { "rayflow.flow.version": version }),
  };
}

function nodeAttributes(node: string, type: string, scope: string): Attributes {
  return {
    "rayflow.node.id": node,
    "rayflow.node.type": type,
    ...(scope === "" ? {} : { "rayflow.scope": scope }),
  };
}

function messaging(run: TracedRun, destination: string, operation: "send" | "process"): Attributes {
  return {
    "messaging.system": "nats",
    "messaging.destination.name": destination,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
    "messaging.message.conversation_id": run.id,
  };
}

function skipped(nodes: readonly string[]): Attributes {
  return nodes.length === 0 ? {} : { "rayflow.skipped": [...nodes] };
}

function failureOf(error: Failure | undefined): Failure {
  return error ?? { code: "NodeExecutionError", message: "the run failed" };
}
