/** How an activation comes to rest, and who hears of it. */
import type { NodeEvent } from "../../nats/messages.ts";
import { isCollector } from "./data-gatherer.ts";
import { executionId, isWithin, pullId } from "./ids.ts";
import { within } from "./run-limits.ts";
import type { Activation, RunState, Scope } from "./run-state.ts";
import { noteIteration, noteNode, noteSend } from "./span-records.ts";
import { isSettled, nodeOf, scopeOf } from "./state-tracker.ts";
import { countSettled } from "./statistics.ts";

/** Ends an activation: counts it, drops its timers, wakes those that wait for it, closes its scope when it was the last. */
export function settle(
  run: RunState,
  activation: Activation,
  state: "completed" | "failed" | "skipped" | "cancelled",
): void {
  if (isSettled(activation)) return;
  activation.state = state;
  dropTimers(run, activation);
  if (isCollector(run, activation)) return;
  countSettled(run, activation);
  noteNode(run, activation);
  report(run, activation, state);
  // Inputs and pulls are of no more use; outputs stay for whoever reads them later.
  activation.inputs = undefined;
  activation.pulls.clear();
  const scope = scopeOf(run, activation.scope);
  wake(run, scope, activation);
  scope.unsettled--;
  if (scope.unsettled === 0) run.agenda.push({ do: "endScope", scope: scope.path });
}

function wake(run: RunState, scope: Scope, activation: Activation): void {
  for (const waiter of activation.waiters) {
    if (waiter.for === "data") {
      const waiting = run.scopes.get(waiter.scope)?.activations.get(waiter.node);
      if (waiting?.state === "waiting" && --waiting.waitsFor === 0) {
        run.agenda.push({ do: "gather", activation: waiting });
      }
      continue;
    }
    const gate = `${waiter.node}.${waiter.pin}`;
    const left = (scope.gates.get(gate) ?? 0) - 1;
    scope.gates.set(gate, left);
    if (left === 0) openPin(run, scope, waiter.node, waiter.pin);
  }
  activation.waiters = [];
}

/** Makes every edge of an exec output TAKEN. */
export function openPin(run: RunState, scope: Scope, nodeId: string, pin: string): void {
  for (const edge of nodeOf(run, nodeId).execOut.get(pin) ?? []) {
    run.agenda.push({ do: "resolve", scope: scope.path, edge, taken: true });
  }
}

/** Takes everything in a scope and below it out of the run: what is in flight no longer counts. */
export function cancelWithin(run: RunState, path: string): void {
  const stopped: string[] = [];
  for (const scope of run.scopes.values()) {
    if (!isWithin(scope.path, path)) continue;
    scope.closing = true;
    for (const activation of scope.activations.values()) {
      if (isSettled(activation)) continue;
      const active = activation.state !== "idle";
      if (activation.state === "incident") run.incidents--;
      stopped.push(...forget(run, activation));
      dropTimers(run, activation);
      activation.state = "cancelled";
      if (active) {
        noteNode(run, activation);
        report(run, activation, "cancelled");
      }
    }
    if (scope.path !== path) closeScope(run, scope);
  }
  if (stopped.length > 0) run.out.push({ type: "stop", executions: stopped });
}

/** Takes the scope of an iteration out of the run. */
export function closeScope(run: RunState, scope: Scope): void {
  noteIteration(run, scope);
  run.scopes.delete(scope.path);
}

/** Drops what an activation has in flight, so that a late result changes nothing. Gives the ids that an actor may still run. */
export function forget(run: RunState, activation: Activation): string[] {
  const dropped: string[] = [];
  for (const [pure, pull] of activation.pulls) {
    if (pull.state !== "pending") continue;
    dropped.push(pullId(run.id, activation.node, activation.scope, activation.round, pure, pull.attempt));
    pull.state = "failed";
  }
  const execution = executionId(run.id, activation.node, activation.scope, activation.attempt);
  if (run.inFlight.has(execution)) {
    dropped.push(execution);
    if (nodeOf(run, activation.node).kind === "subflow") run.out.push({ type: "stopChild", id: execution });
  }
  for (const id of dropped) {
    const pending = run.inFlight.get(id);
    if (pending) noteSend(run, id, pending, undefined);
    run.inFlight.delete(id);
  }
  return dropped;
}

/** A timer that wakes an activation, or ends all its attempts. */
export function setTimer(run: RunState, activation: Activation, purpose: "wake" | "deadline", at: number): void {
  const seconds = Math.ceil((at - run.now) / 1000);
  if (!within(run, "timers", run.timers.size + 1, activation.node)) return;
  if (!within(run, "timer_seconds", seconds, activation.node)) return;
  const id = `t${++run.timerCount}`;
  run.timers.set(id, { scope: activation.scope, node: activation.node, purpose, at, seq: run.seq });
  if (purpose === "wake") activation.timer = id;
  else activation.deadlineTimer = id;
  run.out.push({ type: "setTimer", id, at });
}

export function dropTimers(run: RunState, activation: Activation): void {
  for (const id of [activation.timer, activation.deadlineTimer]) {
    if (id !== undefined && run.timers.delete(id)) run.out.push({ type: "cancelTimer", id });
  }
  activation.timer = undefined;
  activation.deadlineTimer = undefined;
}

/** Adds to the news of this step. */
export function report(run: RunState, activation: Activation, state: NodeEvent["state"]): void {
  if (run.unheard || run.options.events === false) return;
  const values = run.options.debug === true;
  const ended = state === "completed" || state === "failed";
  const node = nodeOf(run, activation.node);
  const ms = node.kind === "actor" ? activation.workedMs : run.now - activation.startedAt;
  run.news.push({
    node: node.id,
    type: node.type,
    scope: activation.scope,
    attempt: activation.attempt,
    state,
    ...(ended ? { time: ms / 1000 } : {}),
    ...(values && activation.inputs && state !== "skipped" ? { inputs: activation.inputs } : {}),
    ...(values && ended && activation.outputs ? { outputs: activation.outputs } : {}),
    ...(activation.error && state !== "completed" ? { error: activation.error } : {}),
  });
}
