/** The node kinds that the run machine performs itself, without an actor. */
import { apiSchema, checkInputs, type Duration, durationMs, type ErrorInfo, type GraphNode } from "../../flow/index.ts";
import { breakLoop, endIteration } from "./loops.ts";
import { childCommand } from "./outgoing.ts";
import { take, within } from "./run-limits.ts";
import type { Activation, RunState } from "./run-state.ts";
import { cancelWithin, report, setTimer } from "./settle.ts";
import { nodeOf, scopeOf } from "./state-tracker.ts";

/** Largest result of a run, in UTF-16 units of its JSON: it must fit one message with what stands around it. */
export const MAX_RESULT_LENGTH = 800_000;

function fail(run: RunState, activation: Activation, code: string, message: string, details?: unknown): void {
  const error: ErrorInfo = {
    code,
    message,
    retryable: false,
    node_id: activation.node,
    ...(details === undefined ? {} : { details }),
  };
  run.agenda.push({ do: "fail", activation, error });
}

function complete(
  run: RunState,
  activation: Activation,
  pins: readonly string[],
  outputs: Record<string, unknown> = {},
): void {
  run.agenda.push({ do: "complete", activation, pins, outputs });
}

/** START: the run's inputs, checked against `api_schema`, are its outputs. */
export function performStart(run: RunState, activation: Activation, node: GraphNode): void {
  const declared = apiSchema.safeParse(node.config.api_schema);
  const checked = checkInputs(declared.success ? declared.data : undefined, run.inputs);
  if (checked.problems.length > 0) {
    return fail(run, activation, "ValidationError", checked.problems.join("; "), { problems: checked.problems });
  }
  complete(run, activation, ["finish"], checked.values);
}

/** RETURN: the first one to run decides what the run gives. */
export function performReturn(run: RunState, activation: Activation, node: GraphNode): void {
  const result = activation.inputs ?? {};
  const length = JSON.stringify(result).length;
  if (length > MAX_RESULT_LENGTH) {
    return fail(
      run,
      activation,
      "PayloadTooLarge",
      `the result of ${node.id} is ${length} characters long; at most ${MAX_RESULT_LENGTH} fit a message`,
    );
  }
  const { name, status_code } = node.config;
  complete(run, activation, []);
  run.outcome = {
    status: "succeeded",
    returned: typeof name === "string" && name !== "" ? name : node.label,
    statusCode: typeof status_code === "number" ? status_code : 200,
    result,
  };
}

export function performBreak(run: RunState, activation: Activation): void {
  complete(run, activation, []);
  run.agenda.push({ do: "break", scope: activation.scope });
}

export function performContinue(run: RunState, activation: Activation): void {
  complete(run, activation, []);
  run.agenda.push({ do: "continue", scope: activation.scope });
}

/** Ends the innermost loop. */
export function applyBreak(run: RunState, path: string): void {
  const scope = run.scopes.get(path);
  if (scope) breakLoop(run, scope);
}

/** Ends the iteration: what of its body has not settled is cancelled. */
export function applyContinue(run: RunState, path: string): void {
  if (!run.scopes.has(path)) return;
  cancelWithin(run, path);
  run.agenda.push({ do: "endScope", scope: path });
}

export function performSleep(run: RunState, activation: Activation): void {
  const seconds = activation.inputs?.seconds;
  if (typeof seconds !== "number" || !(seconds >= 0)) {
    return fail(
      run,
      activation,
      "ValidationError",
      `input "seconds" of ${activation.node} wants a number of 0 or more`,
    );
  }
  activation.state = "sleeping";
  report(run, activation, "waiting");
  setTimer(run, activation, "wake", run.now + seconds * 1000);
}

/** Takes a signal that came early, else waits for one. */
export function performWaitSignal(run: RunState, activation: Activation, node: GraphNode): void {
  const name = String(node.config.signal ?? "");
  const early = run.signals.get(name);
  if (early && early.length > 0) {
    const payload = early.shift();
    if (early.length === 0) run.signals.delete(name);
    return complete(run, activation, ["finish"], { payload });
  }
  activation.state = "sleeping";
  report(run, activation, "waiting");
  const listeners = run.listeners.get(name) ?? [];
  listeners.push({ scope: activation.scope, node: activation.node });
  run.listeners.set(name, listeners);
  const timeout = node.config.timeout as Duration | undefined;
  if (timeout !== undefined) setTimer(run, activation, "wake", run.now + durationMs(timeout));
}

/** Hands a signal to whoever waits first; keeps it when nobody does. */
export function takeSignal(run: RunState, name: string, payload: unknown): void {
  const listeners = run.listeners.get(name) ?? [];
  for (let next = listeners.shift(); next; next = listeners.shift()) {
    const activation = run.scopes.get(next.scope)?.activations.get(next.node);
    if (activation?.state !== "sleeping") continue;
    if (listeners.length === 0) run.listeners.delete(name);
    return complete(run, activation, ["finish"], { payload });
  }
  run.listeners.delete(name);
  let early = 1;
  for (const payloads of run.signals.values()) early += payloads.length;
  if (!within(run, "signals", early)) return;
  run.signals.set(name, [...(run.signals.get(name) ?? []), payload]);
}

/** Starts a child run; its end comes back as a `child` message. */
export function performSubflow(run: RunState, activation: Activation, node: GraphNode): void {
  const depth = (run.parent?.depth ?? 0) + 1;
  const { subflow_depth } = run.limits;
  if (depth > subflow_depth) {
    return fail(
      run,
      activation,
      "SubflowDepthExceeded",
      `${node.id} would be the ${depth}th run inside a run; ${subflow_depth} are allowed`,
    );
  }
  if (!take(run, "child_runs", node.id) || !within(run, "in_flight", run.inFlight.size + 1, node.id)) return;
  activation.state = "running";
  report(run, activation, "running");
  const command = childCommand(run, activation, node);
  run.inFlight.set(command.id, {
    scope: activation.scope,
    node: activation.node,
    pure: undefined,
    seq: run.seq,
    at: run.now,
  });
  run.out.push(command);
}

/** What a timer means for the activation that set it, apart from another attempt. */
export function wakeUp(run: RunState, activation: Activation): void {
  const kind = nodeOf(run, activation.node).kind;
  if (kind === "sleep") complete(run, activation, ["finish"]);
  else if (kind === "wait_signal") complete(run, activation, ["timeout"]);
}

/** An iteration whose collected value is there. */
export function performCollect(run: RunState, activation: Activation): void {
  const value = activation.inputs?.collect;
  activation.state = "completed";
  endIteration(run, scopeOf(run, activation.scope).path, { value: value === undefined ? null : value });
}
