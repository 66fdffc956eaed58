/** The commands that send work out, made from the state alone: after a recovery the same ones come out again. */
import { durationMs, type GraphNode } from "../../flow/index.ts";
import type { DispatchEntry } from "../../nats/messages.ts";
import type { Command } from "./commands.ts";
import { activationId, executionId, pullId } from "./ids.ts";
import { readByMachine } from "./inline-outputs.ts";
import { timeoutMsOf } from "./policies.ts";
import type { Activation, RunState } from "./run-state.ts";

type Send<T extends Command["type"]> = Extract<Command, { type: T }>;

function common(run: RunState, node: GraphNode) {
  const cache = node.policy?.cache;
  const inline = readByMachine(run.graph, node.id);
  return {
    run: run.id,
    flow: run.graph.name,
    partition: run.partition,
    node: node.id,
    config: node.config,
    timeout_ms: timeoutMsOf(node.policy),
    ...(cacheMs(cache) > 0 ? { cache: { ttl_ms: cacheMs(cache), ...(cache?.key ? { key: cache.key } : {}) } } : {}),
    ...(inline === undefined ? {} : { inline: [...inline] }),
    ...(run.parent?.root === undefined ? {} : { blob_run: run.parent.root }),
    ...(run.traceparent === undefined ? {} : { traceparent: run.traceparent }),
  };
}

function cacheMs(cache: NonNullable<GraphNode["policy"]>["cache"]): number {
  return cache === undefined ? 0 : durationMs(cache.ttl);
}

/** One attempt of an activation whose inputs are gathered. */
export function execCommand(run: RunState, activation: Activation, node: GraphNode): Send<"sendExec"> {
  const { policy } = node;
  const entry: DispatchEntry = {
    ...common(run, node),
    kind: "exec",
    id: executionId(run.id, node.id, activation.scope, activation.attempt),
    scope: activation.scope,
    attempt: activation.attempt,
    inputs: activation.inputs ?? {},
    ...(policy?.heartbeat === undefined ? {} : { heartbeat_ms: durationMs(policy.heartbeat) }),
    ...(policy?.deadline === undefined ? {} : { deadline: activation.startedAt + durationMs(policy.deadline) }),
    idempotency_key: activationId(run.id, node.id, activation.scope),
  };
  return { type: "sendExec", nodeType: node.type, entry };
}

/** One evaluation of a pure node for a consumer. */
export function dataCommand(
  run: RunState,
  consumer: Activation,
  pure: GraphNode,
  attempt: number,
  inputs: Record<string, unknown>,
): Send<"sendData"> {
  const idOf = (n: number): string => pullId(run.id, consumer.node, consumer.scope, consumer.round, pure.id, n);
  const entry: DispatchEntry = {
    ...common(run, pure),
    kind: "data",
    id: idOf(attempt),
    scope: consumer.scope,
    attempt,
    inputs,
    idempotency_key: idOf(0),
  };
  return { type: "sendData", nodeType: pure.type, entry };
}

/** The child run of a control_subflow. */
export function childCommand(run: RunState, activation: Activation, node: GraphNode): Send<"startChild"> {
  const id = executionId(run.id, activation.node, activation.scope, activation.attempt);
  return {
    type: "startChild",
    id,
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
