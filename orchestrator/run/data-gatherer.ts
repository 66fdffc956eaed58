/**
 * DataGatherer: gives every input of a node its value, and has the pure nodes evaluated that stand in between.
 *
 * A pure node is evaluated once for each consumer activation (once for each pull of a while loop's condition), leaves
 * first, independent ones at the same time. What it gave is kept on the consumer, not on itself.
 */
import type { ErrorInfo, GraphInput, GraphNode } from "../../flow/index.ts";
import { dataCommand } from "./outgoing.ts";
import { take, within } from "./run-limits.ts";
import type { Activation, Pull, RunState, Scope } from "./run-state.ts";
import { findVisible, nodeOf, scopeOf } from "./state-tracker.ts";

type Value = { readonly value: unknown } | undefined;

/** What gathering came to: the inputs, a wait for pure nodes, or an input that cannot have a value. */
export type Gathered =
  | { readonly state: "ready"; readonly inputs: Record<string, unknown> }
  | { readonly state: "pending" }
  | { readonly state: "failed"; readonly error: ErrorInfo };

/** Which inputs an activation gathers: a loop takes `collect` in its body's scope, all others before it starts. */
export function inputsToGather(run: RunState, activation: Activation): readonly GraphInput[] {
  const node = nodeOf(run, activation.node);
  if (isCollector(run, activation)) return node.inputs.filter((input) => input.pin === "collect");
  const hasCollect = node.kind === "for_each" || node.kind === "repeat";
  return hasCollect ? node.inputs.filter((input) => input.pin !== "collect") : node.inputs;
}

/** Whether this activation stands in a loop's own body, to take in what the iteration feeds into `collect`. */
export function isCollector(run: RunState, activation: Activation): boolean {
  return scopeOf(run, activation.scope).region === activation.node;
}

/** Gathers the inputs of an activation; asks for the pure nodes that are not evaluated yet. */
export function gather(run: RunState, activation: Activation): Gathered {
  const scope = scopeOf(run, activation.scope);
  const wanted = inputsToGather(run, activation);
  const pures = pureClosure(run, wanted);
  let pending = false;
  for (const pure of pures) {
    const known = activation.pulls.get(pure.id);
    if (known?.state === "done" || known?.state === "unavailable") continue;
    if (known?.state === "pending") {
      pending = true;
      continue;
    }
    const values = valuesFor(run, scope, activation, pure.inputs);
    if (values.state === "pending") pending = true;
    else if (values.state === "ready") {
      sendPull(run, activation, pure, values.inputs, (known?.attempt ?? 0) + 1);
      pending = true;
    } else activation.pulls.set(pure.id, { state: "unavailable", attempt: 0, outputs: {} });
  }
  if (pending) return { state: "pending" };
  return valuesFor(run, scope, activation, wanted);
}

function sendPull(
  run: RunState,
  activation: Activation,
  pure: GraphNode,
  inputs: Record<string, unknown>,
  attempt: number,
): void {
  if (!take(run, "executions", pure.id) || !within(run, "in_flight", run.inFlight.size + 1, pure.id)) return;
  const pull: Pull = { state: "pending", attempt, outputs: {} };
  activation.pulls.set(pure.id, pull);
  const command = dataCommand(run, activation, pure, pull.attempt, inputs);
  run.inFlight.set(command.entry.id, {
    scope: activation.scope,
    node: activation.node,
    pure: pure.id,
    seq: run.seq,
    at: run.now,
  });
  run.out.push(command);
}

/** The inputs of a pure node that is being evaluated, once more: they follow from what it reads. */
export function inputsOfPull(run: RunState, activation: Activation, pure: GraphNode): Record<string, unknown> {
  const values = valuesFor(run, scopeOf(run, activation.scope), activation, pure.inputs);
  return values.state === "ready" ? values.inputs : {};
}

/** The pure nodes behind these inputs, each after those that feed it. No recursion: chains may be long. */
function pureClosure(run: RunState, inputs: readonly GraphInput[]): GraphNode[] {
  const order: GraphNode[] = [];
  const done = new Set<string>();
  const stack: { id: string; expanded: boolean }[] = [];
  const push = (list: readonly GraphInput[]): void => {
    for (const input of list) {
      const source = input.source?.source;
      if (source !== undefined && !done.has(source) && nodeOf(run, source).pure) {
        stack.push({ id: source, expanded: false });
      }
    }
  };
  push(inputs);
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (done.has(top.id)) continue;
    const node = nodeOf(run, top.id);
    if (top.expanded) {
      done.add(top.id);
      order.push(node);
      continue;
    }
    stack.push({ id: top.id, expanded: true });
    push(node.inputs);
  }
  return order;
}

function valuesFor(run: RunState, scope: Scope, activation: Activation, inputs: readonly GraphInput[]): Gathered {
  const values: Record<string, unknown> = {};
  for (const input of inputs) {
    if (input.source && activation.pulls.get(input.source.source)?.state === "pending") return { state: "pending" };
    if (input.source && isUnaskedPure(run, activation, input.source.source)) return { state: "pending" };
    const [first, second] = input.source ? [input.fallback, input.literal] : [input.literal, input.fallback];
    const found = connectedValue(run, scope, activation, input) ?? first ?? second;
    if (found) values[input.pin] = found.value;
    else if (input.required) {
      return {
        state: "failed",
        error: {
          code: "DataNotAvailable",
          message: missing(activation, input),
          retryable: false,
          node_id: activation.node,
        },
      };
    }
  }
  return { state: "ready", inputs: values };
}

function isUnaskedPure(run: RunState, activation: Activation, source: string): boolean {
  if (!nodeOf(run, source).pure) return false;
  const pull = activation.pulls.get(source);
  return pull === undefined || pull.state === "failed";
}

function missing(activation: Activation, input: GraphInput): string {
  const source = input.source;
  if (!source) return `input "${input.pin}" of ${activation.node} has neither a source nor a literal nor a default`;
  return `input "${input.pin}" of ${activation.node} gets nothing from ${source.source}.${source.sourcePin}: it was skipped, failed or gave no such output`;
}

function connectedValue(run: RunState, scope: Scope, activation: Activation, input: GraphInput): Value {
  const edge = input.source;
  if (!edge) return undefined;
  if (nodeOf(run, edge.source).pure) {
    const pull = activation.pulls.get(edge.source);
    return pull?.state === "done" ? own(pull.outputs, edge.sourcePin) : undefined;
  }
  const seen = findVisible(run, scope, edge.source);
  if (seen?.kind === "offered") return own(seen.scope.offered, edge.sourcePin);
  return seen ? own(seen.activation.outputs, edge.sourcePin) : undefined;
}

function own(values: Readonly<Record<string, unknown>> | undefined, pin: string): Value {
  return values && Object.hasOwn(values, pin) && values[pin] !== undefined ? { value: values[pin] } : undefined;
}
