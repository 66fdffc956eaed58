/**
 * ErrorHandler: what becomes of a failed activation. In order: another attempt; the node's own `error` pin;
 * `policy.on_error`; the loops around it, inner before outer; the flow's error_strategy (DESIGN §4).
 */
import type { ErrorInfo, GraphNode } from "../../flow/index.ts";
import { isCollector } from "./data-gatherer.ts";
import { executionId } from "./ids.ts";
import { endIteration, stopIterations } from "./loops.ts";
import { backoffMs, STRATEGY_ATTEMPTS, strategyRetry } from "./policies.ts";
import type { Activation, RunState } from "./run-state.ts";
import { cancelWithin, dropTimers, forget, report, setTimer, settle } from "./settle.ts";
import { activationIn, isSettled, nodeOf, scopeOf } from "./state-tracker.ts";

export function handleFailure(run: RunState, activation: Activation, error: ErrorInfo): void {
  if (isSettled(activation) || run.outcome) return;
  const node = nodeOf(run, activation.node);
  const stopped = forget(run, activation);
  if (stopped.length > 0) run.out.push({ type: "stop", executions: stopped });
  activation.error = error;
  const collector = isCollector(run, activation);
  if (!collector) {
    if (retries(run, activation, node, error)) return;
    if (hasErrorPin(node)) return takeErrorPin(run, activation, node, error);
    if (node.policy?.on_error === "continue") return completeWithDefaults(run, activation, node);
  }
  if (handledByLoop(run, activation, error)) return;
  applyStrategy(run, activation, node, error);
}

/** Starts the next attempt of an activation that waits for it; in a paused run, when the run is resumed. */
export function nextAttempt(run: RunState, activation: Activation): void {
  if (activation.state === "incident") run.incidents--;
  activation.state = "backing_off";
  activation.timer = undefined;
  if (!run.starting) return;
  activation.attempt++;
  activation.error = undefined;
  // Inputs are gathered once per activation: only what failed to be gathered is asked for again.
  run.agenda.push({ do: activation.inputs ? "perform" : "gather", activation });
}

function retries(run: RunState, activation: Activation, node: GraphNode, error: ErrorInfo): boolean {
  const policy = node.policy?.retry;
  if (!policy || !isRetryable(node, error, policy.non_retryable) || activation.attempt >= policy.max_attempts)
    return false;
  backOff(run, activation, backoffMs(policy, activation.attempt, executionOf(run, activation)));
  return true;
}

function isRetryable(node: GraphNode, error: ErrorInfo, never: readonly string[]): boolean {
  const again = node.kind === "actor" || node.kind === "subflow";
  return again && error.retryable && !never.includes(error.code);
}

function backOff(run: RunState, activation: Activation, ms: number): void {
  activation.state = "backing_off";
  report(run, activation, "retrying");
  if (ms <= 0) nextAttempt(run, activation);
  else setTimer(run, activation, "wake", run.now + ms);
}

function executionOf(run: RunState, activation: Activation): string {
  return executionId(run.id, activation.node, activation.scope, activation.attempt);
}

function hasErrorPin(node: GraphNode): boolean {
  return (node.execOut.get("error")?.length ?? 0) > 0;
}

function takeErrorPin(run: RunState, activation: Activation, node: GraphNode, error: ErrorInfo): void {
  const outputs = {
    error: {
      type: error.code,
      message: error.message,
      attempts: activation.attempt,
      node: error.node_id ?? node.id,
      ...(error.details === undefined ? {} : { details: error.details }),
    },
  };
  run.agenda.push({ do: "complete", activation, pins: ["error"], outputs });
}

/** A node that failed and goes on: no outputs, and the one exec output that means "done". */
function completeWithDefaults(run: RunState, activation: Activation, node: GraphNode): void {
  const pin = ["finish", "completed", "default"].find((name) => node.execOut.has(name));
  run.agenda.push({ do: "complete", activation, pins: pin === undefined ? [] : [pin], outputs: {} });
}

/** Offers the failure to the loops around the node. */
function handledByLoop(run: RunState, activation: Activation, error: ErrorInfo): boolean {
  let scope = scopeOf(run, activation.scope);
  while (scope.parent !== undefined) {
    const outer = scopeOf(run, scope.parent);
    const loop = activationIn(run, outer, scope.region);
    const loopNode = nodeOf(run, loop.node);
    const onItemError = loopNode.kind === "for_each" ? loopNode.config.on_item_error : undefined;
    if (onItemError === "skip" || onItemError === "collect") {
      settle(run, activation, "failed");
      cancelWithin(run, scope.path);
      const value = { error: { type: error.code, message: error.message, node: error.node_id ?? activation.node } };
      endIteration(run, scope.path, onItemError === "collect" ? { value } : undefined);
      return true;
    }
    if (hasErrorPin(loopNode) || loopNode.policy?.on_error === "continue") {
      settle(run, activation, "failed");
      stopIterations(run, loop);
      run.agenda.push({
        do: "fail",
        activation: loop,
        error: { ...error, retryable: false, node_id: error.node_id ?? activation.node },
      });
      return true;
    }
    scope = outer;
  }
  return false;
}

function applyStrategy(run: RunState, activation: Activation, node: GraphNode, error: ErrorInfo): void {
  const strategy = run.options.error_strategy ?? run.graph.errorStrategy;
  if (strategy === "continue" && !isCollector(run, activation)) return completeWithDefaults(run, activation, node);
  if (strategy === "retry" && activation.attempt < STRATEGY_ATTEMPTS && isRetryable(node, error, [])) {
    return backOff(run, activation, backoffMs(strategyRetry, activation.attempt, executionOf(run, activation)));
  }
  if (strategy === "pause") {
    dropTimers(run, activation);
    activation.state = "incident";
    run.incidents++;
    report(run, activation, "failed");
    return;
  }
  settle(run, activation, "failed");
  run.outcome = { status: "failed", error: { ...error, node_id: error.node_id ?? node.id } };
}
