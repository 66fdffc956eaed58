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
  const { traceId, spanId: outerSpanId } = outer;
  const { tracestate } = run;
  return records.map((record) => {
    const own = ownOf(run, record, outerSpanId);
    const { name, kind, spanId, parentSpanId, startMs, endMs, attributes, failure, isParentRemote = false } = own;
    if (failure) attributes["error.type"] = failure.code;
    return {
      name,
      kind,
      traceId,
      spanId,
      parentSpanId,
      isParentRemote,
      tracestate,
      startMs,
      endMs,
      attributes,
      failure,
    };
  });
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

interface Own extends Omit<SpanData, "traceId" | "tracestate" | "isParentRemote" | "attributes"> {
  readonly isParentRemote?: boolean;
  readonly attributes: Attributes;
}

function rootSpan(run: TracedRun, record: RunRecord, outerSpanId: string): Own {
  const spanId = rootSpanId(run.id);
  const { name } = run.graph;
  const isChild = run.parent !== undefined;
  const attributes: Attributes = isChild
    ? { ...runAttributes(run), "rayflow.parent.run.id": run.parent?.run ?? "" }
    : { ...messaging(run, SUBMISSIONS, "process"), ...runAttributes(run) };
  attributes["rayflow.run.status"] = record.status;
  if (record.returned !== undefined) attributes["rayflow.run.return"] = record.returned;
  attributes["rayflow.nodes.executed"] = record.executed;
  attributes["rayflow.nodes.failed"] = record.failed;
  attributes["rayflow.nodes.skipped"] = record.skippedCount;
  if (record.skipped.length > 0) attributes["rayflow.skipped"] = [...record.skipped];
  if (run.reuse !== undefined) attributes["rayflow.rerun.of"] = run.reuse.run;
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
    attributes,
    failure: record.status === "failed" ? failureOf(record.error) : undefined,
  };
}

function nodeSpan(run: TracedRun, record: NodeRecord): Own {
  const { node, scope, state, pins, error, iterations } = record;
  const type = typeOf(run, node);
  const attributes = nodeAttributes(run, node, type, scope);
  attributes["rayflow.state"] = state;
  attributes["rayflow.attempts"] = record.attempts;
  if (pins.length > 0) attributes["rayflow.exec"] = [...pins];
  if (iterations !== undefined) attributes["rayflow.iterations"] = iterations;
  if (record.reused) attributes["rayflow.reused"] = true;
  if (error && state === "completed") attributes["rayflow.error.ignored"] = error.code;
  return {
    name: `${type} ${node}`,
    kind: "internal",
    spanId: activationSpanId(run, node, scope),
    parentSpanId: scopeSpanId(run, scope),
    startMs: record.start,
    endMs: record.end,
    attributes,
    failure: error && state === "failed" ? error : undefined,
  };
}

function sendSpan(run: TracedRun, record: SendRecord): Own {
  const { id, node, consumer, scope } = record;
  const type = typeOf(run, node);
  const destination = `rayflow.node.${type}`;
  const attributes = nodeAttributes(run, node, type, scope);
  Object.assign(attributes, messaging(run, destination, "send"));
  attributes["messaging.message.id"] = id;
  attributes["rayflow.attempt"] = record.attempt;
  attributes["rayflow.state"] = record.state;
  if (consumer !== undefined) attributes["rayflow.pulled_by"] = consumer;
  if (record.cached) attributes["rayflow.cached"] = true;
  return {
    name: `send ${destination}`,
    kind: "producer",
    spanId: spanIdOf(id),
    parentSpanId: ownerSpanId(run, consumer ?? node, scope),
    startMs: record.start,
    endMs: record.end,
    attributes,
    failure: record.error,
  };
}

function iterationSpan(run: TracedRun, record: IterationRecord): Own {
  const { scope, skipped } = record;
  const { loop, outer, index, step } = innermost(scope);
  const attributes = nodeAttributes(run, loop, typeOf(run, loop), scope);
  attributes["rayflow.iteration"] = index;
  attributes["rayflow.state"] = record.state;
  if (skipped.length > 0) attributes["rayflow.skipped"] = [...skipped];
  return {
    name: step,
    kind: "internal",
    spanId: scopeSpanId(run, scope),
    parentSpanId: activationSpanId(run, loop, outer),
    startMs: record.start,
    endMs: record.end,
    attributes,
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

function runAttributes({ id, graph, version }: TracedRun): Attributes {
  const attributes: Attributes = { "rayflow.run.id": id, "rayflow.flow.name": graph.name };
  if (version !== undefined) attributes["rayflow.flow.version"] = version;
  return attributes;
}

/** Filled in place: a busy orchestrator makes tens of thousands a second, and spreading took most of the time. */
function nodeAttributes(run: TracedRun, node: string, type: string, scope: string): Attributes {
  const attributes = runAttributes(run);
  attributes["rayflow.node.id"] = node;
  attributes["rayflow.node.type"] = type;
  if (scope !== "") attributes["rayflow.scope"] = scope;
  return attributes;
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

function failureOf(error: Failure | undefined): Failure {
  return error ?? { code: "NodeExecutionError", message: "the run failed" };
}
