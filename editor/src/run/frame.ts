/** The shapes in which a folded run is shown: plain data, replaced and never changed, so that a view can compare by identity. */
import type { ErrorInfo, RunStanding } from "../api/answers.ts";

export type NodeState =
  /** Nothing has reached it. */
  | "pending"
  /** Reached; waits for its inputs, or for the run to be resumed. */
  | "ready"
  /** With an actor or a child run; of a loop: its iterations run. */
  | "running"
  /** Waits for a timer, a signal or its next attempt. */
  | "waiting"
  /** Held at a breakpoint or by a step. */
  | "held"
  | "completed"
  | "failed"
  | "skipped"
  | "cancelled";

/** One try of one activation. Times are ms since 1970, by the log's clock where it has them. */
export interface AttemptFrame {
  readonly number: number;
  readonly queuedMs: number;
  /** When its code began, as its actor says. */
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly state: "running" | "completed" | "failed" | "cancelled";
  /** How long its code ran. */
  readonly workedMs: number | undefined;
  readonly error: ErrorInfo | undefined;
  /** The process that ran it. */
  readonly actor: string | undefined;
  /** No code ran: the result is an earlier one's. */
  readonly cached: boolean;
}

/** A node in one scope; of a pure node, one evaluation for one consumer. */
export interface ActivationFrame {
  /** `node@scope`; of a pure node `node@scope>consumer`, with `~round` in later rounds of a while loop. */
  readonly key: string;
  readonly node: string;
  /** `` is the root, `each[3]/inner[0]` an iteration in an iteration. */
  readonly scope: string;
  /** Who reads a pure node's outputs. */
  readonly consumer: string | undefined;
  readonly state: NodeState;
  readonly waitsFor: "inputs" | "retry" | "event" | "operator" | undefined;
  /** From 1, once it runs. */
  readonly attempt: number;
  readonly readyMs: number;
  readonly endedMs: number | undefined;
  /** What the result's statistics count as its time. */
  readonly workedMs: number | undefined;
  readonly inputs: Readonly<Record<string, unknown>> | undefined;
  readonly outputs: Readonly<Record<string, unknown>> | undefined;
  /** Of a completed one: a failure that the flow passed over. */
  readonly error: ErrorInfo | undefined;
  readonly attempts: readonly AttemptFrame[];
  /** Its result was taken over from an earlier run. */
  readonly reused: boolean;
  /** The run that a control_subflow started, once that has ended. */
  readonly childRun: string | undefined;
}

export type EdgeState = "open" | "taken" | "dead";

/** What one log entry changed. */
export type Change =
  | {
      readonly kind: "activation";
      readonly before: ActivationFrame | undefined;
      readonly after: ActivationFrame;
    }
  /** An edge resolves once in a scope. */
  | { readonly kind: "edge"; readonly edge: string; readonly scope: string; readonly state: "taken" | "dead" };

export interface HeldFrame {
  readonly node: string;
  readonly scope: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** The run after one entry of its log, as what that entry changed. */
export interface Frame {
  /** From 0: the submission. */
  readonly index: number;
  readonly sequence: number;
  readonly timeMs: number;
  readonly kind: "submitted" | "result" | "undeliverable" | "timer" | "signal" | "child" | "control" | "finished";
  /** The entry in a line for people. */
  readonly summary: string;
  /** Where the run stands after it. */
  readonly status: RunStanding;
  readonly held: readonly HeldFrame[];
  readonly changes: readonly Change[];
}

/** A node over all its activations, as of one frame. */
export interface NodeFrame {
  readonly node: string;
  /** The one that wants attention most: held, running, waiting, ready, failed, completed, cancelled, skipped. */
  readonly state: NodeState;
  readonly counts: Readonly<Partial<Record<NodeState, number>>>;
  /** Its activation that began last. */
  readonly latest: ActivationFrame;
  readonly activations: number;
  /** Attempts of all of them, together. */
  readonly attempts: number;
  /** Time of all of them, together. */
  readonly seconds: number;
}

/** An edge over all scopes, as of one frame. */
export interface EdgeFrame {
  readonly edge: string;
  /** Taken when it was taken in any scope. */
  readonly state: EdgeState;
  readonly taken: number;
  readonly dead: number;
}

export function activationKey(node: string, scope: string): string {
  return `${node}@${scope}`;
}

/** The scope around a scope; undefined around the root. */
export function parentScope(scope: string): string | undefined {
  if (scope === "") return undefined;
  const at = scope.lastIndexOf("/");
  return at < 0 ? "" : scope.slice(0, at);
}

/** The loop whose iteration a scope is, and which one; undefined for the root. */
export function iterationOf(scope: string): { readonly loop: string; readonly index: number } | undefined {
  const [, loop, index] = /([^/]+)\[(\d+)\]$/.exec(scope) ?? [];
  return loop === undefined ? undefined : { loop, index: Number(index) };
}

/** An activation before anything is known of it. */
export function unreached(
  key: string,
  node: string,
  scope: string,
  consumer: string | undefined,
  readyMs: number,
): ActivationFrame {
  return {
    key,
    node,
    scope,
    consumer,
    state: "pending",
    waitsFor: undefined,
    attempt: 0,
    readyMs,
    endedMs: undefined,
    workedMs: undefined,
    inputs: undefined,
    outputs: undefined,
    error: undefined,
    attempts: [],
    reused: false,
    childRun: undefined,
  };
}
