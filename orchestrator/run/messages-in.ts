/** How a message of the log enters a run: applied to the state, then the planner works off what follows. */
import type { NodeResult, RunMessage } from "../../nats/messages.ts";
import { breakpointError, releaseHeld, setBreakpoints } from "./breakpoints.ts";
import { takeSignal, wakeUp } from "./control-nodes.ts";
import { handleFailure, nextAttempt } from "./error-handler.ts";
import { advance, begin } from "./execution-planner.ts";
import { take, within } from "./run-limits.ts";
import type { Activation, RunState } from "./run-state.ts";
import { noteSend } from "./span-records.ts";
import { nodeOf } from "./state-tracker.ts";
import { addTime } from "./statistics.ts";

/** Messages that end or stop a run are the machine's; these only move its nodes. */
export type StepMessage =
  | { readonly kind: "result"; readonly type: string; readonly result: NodeResult }
  | Extract<RunMessage, { kind: "undeliverable" | "timer" | "signal" | "child" | "control" }>;

/** The timer that ends the whole run. */
const END_TIMER = "end";

/** Starts the run; one that is to be held at a node which it does not have fails at once. */
export function beginRun(run: RunState): void {
  const { breakpoints } = run.options;
  const error = breakpoints && breakpointError(run.graph, breakpoints);
  if (error) {
    run.outcome = { status: "failed", error };
    return;
  }
  if (breakpoints) setBreakpoints(run, breakpoints);
  begin(run);
  const { run_seconds } = run.limits;
  if (run_seconds === 0 || run.outcome) return;
  const at = run.submittedAt + run_seconds * 1000;
  run.timers.set(END_TIMER, { scope: "", node: run.graph.start, purpose: "run", at, seq: run.seq });
  run.out.push({ type: "setTimer", id: END_TIMER, at });
}

/** Applies one message. One that no longer counts (a superseded attempt, a repetition) changes nothing. */
export function applyMessage(run: RunState, message: StepMessage): void {
  if (!take(run, "log_entries")) return;
  switch (message.kind) {
    case "result":
      applyResult(run, message.type, message.result);
      break;
    case "undeliverable":
      applyUndeliverable(run, message.id, message.error);
      break;
    case "timer":
      applyTimer(run, message.id);
      break;
    case "signal":
      if (run.seenSignals.has(message.id)) return;
      run.seenSignals.add(message.id);
      takeSignal(run, message.signal, message.payload);
      break;
    case "child":
      applyChild(run, message);
      break;
    case "control":
      if (message.action === "retry") retryIncidents(run, message.node);
      else if (message.action === "breakpoints") setBreakpoints(run, message.nodes ?? []);
      break;
  }
  advance(run);
}

/** Lets what was held start: activations, attempts that were due, iterations. */
export function resumeStarts(run: RunState): void {
  run.starting = true;
  releaseHeld(run);
  const held = run.held;
  run.held = [];
  for (const activation of held) run.agenda.push({ do: "start", activation });
  for (const scope of run.scopes.values()) {
    for (const activation of scope.activations.values()) {
      if (activation.state === "looping") run.agenda.push({ do: "iterate", activation });
      else if (activation.state === "waiting" && activation.waitsFor === 0)
        run.agenda.push({ do: "gather", activation });
      else if (activation.state === "backing_off" && activation.timer === undefined) nextAttempt(run, activation);
    }
  }
  advance(run);
}

function retryIncidents(run: RunState, node: string | undefined): void {
  for (const scope of run.scopes.values()) {
    for (const activation of scope.activations.values()) {
      if (activation.state !== "incident" || (node !== undefined && activation.node !== node)) continue;
      nextAttempt(run, activation);
    }
  }
}

function applyResult(run: RunState, type: string, result: NodeResult): void {
  const pending = run.inFlight.get(result.id);
  if (!pending) return;
  const activation = run.scopes.get(pending.scope)?.activations.get(pending.node);
  // An actor speaks for its own type alone.
  if (!activation || nodeOf(run, pending.pure ?? pending.node).type !== type) return;
  noteSend(run, result.id, pending, result);
  run.inFlight.delete(result.id);
  if (pending.pure !== undefined) return applyPull(run, activation, pending.pure, result);
  activation.workedMs += result.duration_ms;
  if (result.status === "error") return handleFailure(run, activation, errorOf(result, activation.node));
  const pins = result.exec ?? (nodeOf(run, activation.node).execOut.has("finish") ? ["finish"] : []);
  run.agenda.push({ do: "complete", activation, pins, outputs: result.outputs ?? {} });
}

function applyPull(run: RunState, activation: Activation, pure: string, result: NodeResult): void {
  const pull = activation.pulls.get(pure);
  if (pull?.state !== "pending") return;
  run.statistics.executed++;
  addTime(run, pure, result.duration_ms);
  if (result.status === "error") {
    pull.state = "failed";
    const error = errorOf(result, pure);
    return handleFailure(run, activation, {
      ...error,
      message: `${pure}, which ${activation.node} reads: ${error.message}`,
    });
  }
  pull.state = "done";
  pull.outputs = result.outputs ?? {};
  run.agenda.push({ do: "gather", activation });
}

function errorOf(result: NodeResult, node: string): NonNullable<NodeResult["error"]> {
  const error = result.error ?? {
    code: "NodeExecutionError",
    message: "the actor reported a failure without saying which",
    retryable: true,
  };
  return { ...error, node_id: error.node_id ?? node };
}

function applyUndeliverable(run: RunState, id: string, error: NonNullable<NodeResult["error"]>): void {
  const pending = run.inFlight.get(id);
  const activation = pending && run.scopes.get(pending.scope)?.activations.get(pending.node);
  if (!pending || !activation) return;
  noteSend(run, id, pending, { error });
  run.inFlight.delete(id);
  if (pending.pure !== undefined) {
    const pull = activation.pulls.get(pending.pure);
    if (pull) pull.state = "failed";
  }
  handleFailure(run, activation, { ...error, node_id: pending.pure ?? pending.node });
}

function applyTimer(run: RunState, id: string): void {
  const timer = run.timers.get(id);
  const activation = timer && run.scopes.get(timer.scope)?.activations.get(timer.node);
  if (!timer || !activation) return;
  run.timers.delete(id);
  if (timer.purpose === "run") {
    within(run, "run_seconds", Number.POSITIVE_INFINITY);
    return;
  }
  if (timer.purpose === "deadline") {
    activation.deadlineTimer = undefined;
    return handleFailure(run, activation, {
      code: "NodeTimeout",
      message: `${activation.node} did not finish before its deadline`,
      retryable: false,
      node_id: activation.node,
    });
  }
  if (activation.timer === id) activation.timer = undefined;
  if (activation.state === "backing_off") nextAttempt(run, activation);
  else if (activation.state === "sleeping") wakeUp(run, activation);
}

function applyChild(run: RunState, message: Extract<RunMessage, { kind: "child" }>): void {
  const pending = run.inFlight.get(message.execution);
  const activation = pending && run.scopes.get(pending.scope)?.activations.get(pending.node);
  if (!pending || !activation) return;
  run.inFlight.delete(message.execution);
  const { result } = message;
  if (result.success) {
    const outputs = { result: result.result ?? {}, status_code: result.status_code ?? 200 };
    run.agenda.push({ do: "complete", activation, pins: ["finish"], outputs });
    return;
  }
  const error = result.error ?? { code: "NodeExecutionError", message: "the child run failed", retryable: false };
  handleFailure(run, activation, {
    ...error,
    node_id: activation.node,
    message: `child run ${result.run_id}: ${error.message}`,
    details: { run_id: result.run_id, node_id: error.node_id },
  });
}
