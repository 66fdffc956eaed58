/**
 * ExecutionPlanner: says what happens next. It works off the agenda until nothing more follows from the message at
 * hand; each task may put others on it. No recursion, so a chain of ten thousand dead nodes is as safe as one.
 *
 * P1. A node with inbound exec edges runs once per scope: when all are resolved and one was TAKEN.
 * P2. All DEAD: it is skipped, and its own outputs become DEAD.
 * P3. Once the run has an outcome, nothing starts any more.
 */
import {
  durationMs,
  type ErrorInfo,
  type GraphEdge,
  type GraphNode,
  RayflowError,
  ROOT_REGION,
} from "../../flow/index.ts";
import { holdsBack } from "./breakpoints.ts";
import {
  applyBreak,
  applyContinue,
  performBreak,
  performCollect,
  performContinue,
  performReturn,
  performSleep,
  performStart,
  performSubflow,
  performWaitSignal,
} from "./control-nodes.ts";
import { gather, isCollector } from "./data-gatherer.ts";
import { handleFailure } from "./error-handler.ts";
import { beginLoop, collects, endIteration, iterate } from "./loops.ts";
import { execCommand } from "./outgoing.ts";
import { take, within } from "./run-limits.ts";
import type { Activation, RunState, Scope, Task } from "./run-state.ts";
import { openPin, report, setTimer, settle } from "./settle.ts";
import { activationIn, findVisible, isSettled, nodeOf, openScope, scopeOf } from "./state-tracker.ts";

/** Sets the run off: opens the root scope and starts START. */
export function begin(run: RunState): void {
  const root = openScope(run, "", ROOT_REGION, undefined, 0, {});
  run.agenda.push({ do: "start", activation: activationIn(run, root, run.graph.start) });
  advance(run);
}

/** Works off the agenda, first in, first out; tasks may add to it. */
export function advance(run: RunState): void {
  const { agenda } = run;
  for (let at = 0; at < agenda.length; at++) perform(run, agenda[at] as Task);
  agenda.length = 0;
}

function perform(run: RunState, task: Task): void {
  switch (task.do) {
    case "resolve":
      return resolve(run, task.scope, task.edge, task.taken);
    case "endScope":
      return endScope(run, task.scope);
    case "break":
      return applyBreak(run, task.scope);
    case "continue":
      return applyContinue(run, task.scope);
    default:
      return move(run, task);
  }
}

function move(run: RunState, task: Extract<Task, { activation: Activation }>): void {
  const { activation } = task;
  if (isSettled(activation)) return;
  switch (task.do) {
    case "start":
      return start(run, activation);
    case "gather":
      return gatherInputs(run, activation);
    case "perform":
      if (run.debug && holdsBack(run, run.debug, activation)) return;
      return performNode(run, activation);
    case "release":
      return performNode(run, activation);
    case "complete":
      return complete(run, activation, task.pins, task.outputs);
    case "fail":
      return handleFailure(run, activation, task.error);
    case "iterate":
      return iterate(run, activation);
  }
}

function resolve(run: RunState, path: string, edge: GraphEdge, taken: boolean): void {
  const scope = run.scopes.get(path);
  if (!scope || scope.closing) return;
  const activation = activationIn(run, scope, edge.target);
  if (activation.pending === 0) {
    throw new RayflowError("GraphBuildError", `the exec edge ${edge.id} resolved twice in scope "${path}"`);
  }
  activation.pending--;
  if (taken) activation.taken++;
  if (activation.pending > 0) return;
  if (activation.taken > 0) run.agenda.push({ do: "start", activation });
  else skip(run, scope, activation);
}

function skip(run: RunState, scope: Scope, activation: Activation): void {
  settle(run, activation, "skipped");
  const node = nodeOf(run, activation.node);
  for (const [pin, edges] of node.execOut) {
    if (pin === "body" && isLoop(node)) continue;
    for (const edge of edges) run.agenda.push({ do: "resolve", scope: scope.path, edge, taken: false });
  }
}

function isLoop(node: GraphNode): boolean {
  return node.kind === "for_each" || node.kind === "while" || node.kind === "repeat";
}

/** All exec edges are resolved: waits for the nodes that feed the inputs, then gathers. */
function start(run: RunState, activation: Activation): void {
  if (run.outcome) return;
  if (!run.starting) {
    run.held.push(activation);
    return;
  }
  const scope = scopeOf(run, activation.scope);
  const node = nodeOf(run, activation.node);
  activation.state = "waiting";
  activation.startedAt = run.now;
  activation.attempt = 1;
  const earlier = activation.scope === "" ? run.reuse?.results[activation.node] : undefined;
  if (earlier) {
    run.agenda.push({ do: "complete", activation, pins: earlier.pins, outputs: earlier.outputs });
    return;
  }
  for (const sourceId of node.dataSources) {
    const seen = findVisible(run, scope, sourceId);
    if (seen?.kind !== "activation" || isSettled(seen.activation) || seen.activation === activation) continue;
    seen.activation.waiters.push({ for: "data", scope: activation.scope, node: activation.node });
    activation.waitsFor++;
  }
  if (activation.waitsFor === 0) run.agenda.push({ do: "gather", activation });
}

function gatherInputs(run: RunState, activation: Activation): void {
  if (run.outcome) return;
  if (!run.starting) {
    // Taken up again by `resumeStarts`.
    activation.state = "waiting";
    return;
  }
  activation.state = "gathering";
  const gathered = gather(run, activation);
  if (gathered.state === "pending") return;
  if (gathered.state === "failed") run.agenda.push({ do: "fail", activation, error: gathered.error });
  else {
    const edited = activation.scope === "" ? run.reuse?.inputs?.[activation.node] : undefined;
    activation.inputs = edited ? { ...gathered.inputs, ...edited } : gathered.inputs;
    run.agenda.push({ do: "perform", activation });
  }
}

function performNode(run: RunState, activation: Activation): void {
  if (run.outcome) return;
  if (isCollector(run, activation)) return performCollect(run, activation);
  const node = nodeOf(run, activation.node);
  if (node.policy?.deadline !== undefined && activation.deadlineTimer === undefined) {
    setTimer(run, activation, "deadline", activation.startedAt + durationMs(node.policy.deadline));
  }
  switch (node.kind) {
    case "actor":
      return dispatch(run, activation, node);
    case "start":
      return performStart(run, activation, node);
    case "return":
      return performReturn(run, activation, node);
    case "for_each":
    case "repeat":
      return beginLoop(run, activation);
    case "while":
      if (!activation.loop) return beginLoop(run, activation);
      activation.state = "looping";
      return iterate(run, activation);
    case "break":
      return performBreak(run, activation);
    case "continue":
      return performContinue(run, activation);
    case "sequence":
      return complete(run, activation, [], {});
    case "subflow":
      return performSubflow(run, activation, node);
    case "sleep":
      return performSleep(run, activation);
    case "wait_signal":
      return performWaitSignal(run, activation, node);
  }
}

function dispatch(run: RunState, activation: Activation, node: GraphNode): void {
  if (!take(run, "executions", node.id) || !within(run, "in_flight", run.inFlight.size + 1, node.id)) return;
  activation.state = "running";
  report(run, activation, "running");
  const command = execCommand(run, activation, node);
  run.inFlight.set(command.entry.id, {
    scope: activation.scope,
    node: node.id,
    pure: undefined,
    seq: run.seq,
    at: run.now,
  });
  run.out.push(command);
}

function complete(
  run: RunState,
  activation: Activation,
  pins: readonly string[],
  outputs: Record<string, unknown>,
): void {
  const node = nodeOf(run, activation.node);
  const unknown = pins.find((pin) => !node.execOut.has(pin) || (pin === "body" && isLoop(node)));
  if (unknown !== undefined) {
    const error: ErrorInfo = {
      code: "ValidationError",
      message: `${node.id} chose the exec output "${unknown}", which its type does not have`,
      retryable: false,
      node_id: node.id,
    };
    return handleFailure(run, activation, error);
  }
  activation.outputs = outputs;
  activation.pins = pins;
  settle(run, activation, pins.includes("error") ? "failed" : "completed");
  const scope = scopeOf(run, activation.scope);
  if (node.kind === "sequence") return openSequence(run, scope, node);
  for (const [pin, edges] of node.execOut) {
    if (pin === "body" && isLoop(node)) continue;
    const taken = pins.includes(pin);
    for (const edge of edges) run.agenda.push({ do: "resolve", scope: scope.path, edge, taken });
  }
}

/** then_0 opens at once; each later pin when all that only the earlier ones reach has settled. */
function openSequence(run: RunState, scope: Scope, node: GraphNode): void {
  const gates = run.graph.sequenceGates.get(node.id);
  for (const [pin, edges] of node.execOut) {
    if (pin === "error") {
      for (const edge of edges) run.agenda.push({ do: "resolve", scope: scope.path, edge, taken: false });
      continue;
    }
    let open = 0;
    for (const id of gates?.get(pin) ?? []) {
      const before = activationIn(run, scope, id);
      if (isSettled(before)) continue;
      before.waiters.push({ for: "gate", node: node.id, pin });
      open++;
    }
    if (open === 0) openPin(run, scope, node.id, pin);
    else scope.gates.set(`${node.id}.${pin}`, open);
  }
}

/** Everything in a scope has settled: the iteration ends, or the run does. */
function endScope(run: RunState, path: string): void {
  const scope = run.scopes.get(path);
  if (!scope || run.outcome) return;
  if (scope.parent === undefined) {
    run.outcome = {
      status: "failed",
      error: {
        code: "NoReturnReached",
        message: "every node settled and no RETURN was reached",
        retryable: false,
      },
    };
    return;
  }
  const collector = collects(run, scope);
  if (!collector) return endIteration(run, path, undefined);
  if (collector.attempt > 0) return;
  collector.attempt = 1;
  collector.startedAt = run.now;
  run.agenda.push({ do: "gather", activation: collector });
}
