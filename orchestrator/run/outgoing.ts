/** The commands that send work out, made from the state alone: after a recovery the same ones come out again. */
import { durationMs, type GraphNode, holdsSecret } from "../../flow/index.ts";
import type { DispatchEntry } from "../../nats/messages.ts";
import type { Command } from "./commands.ts";
import { activationId, executionId, pullId } from "./ids.ts";
import { readByMachine } from "./inline-outputs.ts";
import { timeoutMsOf } from "./policies.ts";
import type { Activation, RunState } from "./run-state.ts";
import { under } from "./trace-ids.ts";

type Send<T extends Command["type"]> = Extract<Command, { type: T }>;

/** What all entries of a node have in common: found out once. */
interface Fixed {
  readonly timeoutMs: number;
  readonly heartbeatMs: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly cache: DispatchEntry["cache"];
  readonly inline: string[] | undefined;
  readonly secrets: string[] | undefined;
}

const fixedByNode = new WeakMap<GraphNode, Fixed>();

function fixedOf(run: RunState, node: GraphNode): Fixed {
  let fixed = fixedByNode.get(node);
  if (!fixed) {
    const { policy } = node;
    const inline = readByMachine(run.graph, node.id);
    fixed = {
      timeoutMs: timeoutMsOf(policy),
      heartbeatMs: policy?.heartbeat === undefined ? undefined : durationMs(policy.heartbeat),
      deadlineMs: policy?.deadline === undefined ? undefined : durationMs(policy.deadline),
      cache: cacheOf(policy?.cache),
      inline: inline && [...inline],
      secrets: secretsOf(node),
    };
    fixedByNode.set(node, fixed);
  }
  return fixed;
}

/** Inputs whose constants hold references to secrets; undefined when the config holds none either. */
function secretsOf(node: GraphNode): string[] | undefined {
  // Where something is connected the value may be data, which must not be able to ask for secrets.
  const pins = node.inputs.filter(({ source, literal }) => !source && literal && holdsSecret(literal.value));
  return pins.length > 0 || holdsSecret(node.config) ? pins.map(({ pin }) => pin) : undefined;
}

function cacheOf(cache: NonNullable<GraphNode["policy"]>["cache"]): DispatchEntry["cache"] {
  const ttl_ms = cache === undefined ? 0 : durationMs(cache.ttl);
  if (ttl_ms <= 0) return undefined;
  return cache?.key ? { ttl_ms, key: cache.key } : { ttl_ms };
}

type Own = Pick<DispatchEntry, "kind" | "id" | "scope" | "attempt" | "inputs" | "idempotency_key"> &
  Partial<Pick<DispatchEntry, "heartbeat_ms" | "deadline">>;

/** Most entries have nothing of what may be there: spreading it took a sixth of a fold. */
function entryOf(run: RunState, node: GraphNode, own: Own): DispatchEntry {
  const { timeoutMs, cache, inline, secrets } = fixedOf(run, node);
  const { id: runId, partition, traceparent } = run;
  const root = run.parent?.root;
  const { kind, id, scope, attempt, inputs, heartbeat_ms, deadline, idempotency_key } = own;
  const { name: flow } = run.graph;
  const { id: nodeId, config } = node;
  const optional = cache ?? inline ?? secrets ?? root ?? traceparent ?? heartbeat_ms ?? deadline;
  if (optional === undefined) {
    return {
      run: runId,
      flow,
      partition,
      node: nodeId,
      config,
      timeout_ms: timeoutMs,
      kind,
      id,
      scope,
      attempt,
      inputs,
      idempotency_key,
    };
  }
  return {
    run: runId,
    flow,
    partition,
    node: nodeId,
    config,
    timeout_ms: timeoutMs,
    ...(cache === undefined ? {} : { cache }),
    ...(inline === undefined ? {} : { inline }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(root === undefined ? {} : { blob_run: root }),
    ...(traceparent === undefined ? {} : traceOf(traceparent, run.tracestate, id)),
    kind,
    id,
    scope,
    attempt,
    inputs,
    ...(heartbeat_ms === undefined ? {} : { heartbeat_ms }),
    ...(deadline === undefined ? {} : { deadline }),
    idempotency_key,
  };
}

/** The span of the execution's own sending. */
function traceOf(
  traceparent: string,
  tracestate: string | undefined,
  id: string,
): Pick<DispatchEntry, "traceparent" | "tracestate"> {
  return { traceparent: under(traceparent, id), ...(tracestate === undefined ? {} : { tracestate }) };
}

/** One attempt of an activation whose inputs are gathered. */
export function execCommand(run: RunState, activation: Activation, node: GraphNode): Send<"sendExec"> {
  const { scope, attempt, inputs = {}, startedAt } = activation;
  const { heartbeatMs, deadlineMs } = fixedOf(run, node);
  const own: Own = {
    kind: "exec",
    id: executionId(run.id, node.id, scope, attempt),
    scope,
    attempt,
    inputs,
    idempotency_key: activationId(run.id, node.id, scope),
    ...(heartbeatMs === undefined ? {} : { heartbeat_ms: heartbeatMs }),
    ...(deadlineMs === undefined ? {} : { deadline: startedAt + deadlineMs }),
  };
  return { type: "sendExec", nodeType: node.type, entry: entryOf(run, node, own) };
}

/** One evaluation of a pure node for a consumer. */
export function dataCommand(
  run: RunState,
  consumer: Activation,
  pure: GraphNode,
  attempt: number,
  inputs: Record<string, unknown>,
): Send<"sendData"> {
  const { scope, round } = consumer;
  const idOf = (n: number): string => pullId(run.id, consumer.node, scope, round, pure.id, n);
  const own: Own = { kind: "data", id: idOf(attempt), scope, attempt, inputs, idempotency_key: idOf(0) };
  return { type: "sendData", nodeType: pure.type, entry: entryOf(run, pure, own) };
}

/** The child run of a control_subflow. */
export function childCommand(run: RunState, activation: Activation, node: GraphNode): Send<"startChild"> {
  const id = executionId(run.id, activation.node, activation.scope, activation.attempt);
  return {
    type: "startChild",
    id,
    traceparent: run.traceparent && under(run.traceparent, activationId(run.id, activation.node, activation.scope)),
    tracestate: run.tracestate,
    flow: node.config.flow,
    inputs: activation.inputs ?? {},
    parent: {
      run: run.id,
      execution: id,
      depth: (run.parent?.depth ?? 0) + 1,
      root: run.parent?.root ?? run.id,
    },
  };
}
