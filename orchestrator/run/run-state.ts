/**
 * What a run remembers between two messages of its log: the shapes of its state, as plain data. What may be done with
 * it is in `state-tracker.ts`.
 *
 * Invariants:
 * S1. In a scope every exec edge resolves at most once; an activation's `pending` never goes below zero.
 * S2. An activation settles once: completed, failed, skipped or cancelled; after that it never changes.
 * S3. `unsettled` of a scope is the number of its region's nodes that have not settled there.
 * S4. An execution id is in `inFlight` exactly while its result would still count.
 * S5. Between two messages the agenda is empty.
 */
import type { ErrorInfo, Graph, GraphEdge, RunLimits } from "../../flow/index.ts";
import type { NodeEvent, RunOptions, RunResult, SubmittedMessage } from "../../nats/messages.ts";
import type { Command } from "./commands.ts";
import type { Used } from "./run-limits.ts";
import type { SpanRecord } from "./span-records.ts";

export type ActivationState =
  /** Exec edges are still open. */
  | "idle"
  /** Taken; waits for the nodes that feed its inputs. */
  | "waiting"
  /** Pure nodes are being evaluated for it. */
  | "gathering"
  /** With an actor, or a child run. */
  | "running"
  /** Waits for the next attempt. */
  | "backing_off"
  /** Waits for a timer or a signal. */
  | "sleeping"
  /** A loop whose iterations run. */
  | "looping"
  /** Failed for good, and the flow's strategy is to pause: an operator decides. */
  | "incident"
  /** Ready, its inputs gathered: held at a breakpoint or by a step. */
  | "held"
  | "completed"
  | "failed"
  | "skipped"
  | "cancelled";

/** The evaluation of one pure node for one consumer. */
export interface Pull {
  /** "unavailable": one of its required inputs has no value on this path. "failed": asked again at the next attempt. */
  state: "pending" | "done" | "unavailable" | "failed";
  attempt: number;
  outputs: Record<string, unknown>;
}

/** Who wants to know when an activation settles. */
export type Waiter =
  | { readonly for: "data"; readonly scope: string; readonly node: string }
  | { readonly for: "gate"; readonly node: string; readonly pin: string };

export interface LoopState {
  /** Index of the next iteration to start. */
  next: number;
  /** Iterations that are open. */
  open: number;
  /** How many iterations there will be; undefined while a condition decides. */
  total: number | undefined;
  /** Collected values by index; a hole is an item that was left out. */
  results: Map<number, unknown>;
  /** Iterations that ended. */
  ended: number;
  /** `control_break` was reached: no new iteration starts. */
  broken: boolean;
}

export interface Activation {
  readonly scope: string;
  readonly node: string;
  state: ActivationState;
  /** Inbound exec edges that are not resolved. */
  pending: number;
  /** Inbound exec edges that were TAKEN. */
  taken: number;
  /** Data sources that have not settled. */
  waitsFor: number;
  waiters: Waiter[];
  /** From 1, once it runs. */
  attempt: number;
  /** Which pull of a while loop's condition this is. */
  round: number;
  pulls: Map<string, Pull>;
  inputs: Record<string, unknown> | undefined;
  outputs: Record<string, unknown> | undefined;
  /** The exec outputs it took. */
  pins: readonly string[];
  error: ErrorInfo | undefined;
  /** When it became ready, by the log's clock, ms. */
  startedAt: number;
  /** What the actors say its code took, ms, all attempts together. */
  workedMs: number;
  /** The timer that wakes it (retry, sleep, signal timeout). */
  timer: string | undefined;
  /** The timer that ends all its attempts. */
  deadlineTimer: string | undefined;
  loop: LoopState | undefined;
}

export interface Scope {
  readonly path: string;
  /** ROOT_REGION or the loop's node id. */
  readonly region: string;
  readonly parent: string | undefined;
  readonly index: number;
  /** By the log's clock, ms; absent in snapshots of before there was tracing. */
  readonly openedAt?: number;
  /** What the loop offers to this iteration: item, index. */
  readonly offered: Readonly<Record<string, unknown>>;
  readonly activations: Map<string, Activation>;
  unsettled: number;
  /** It was cut short: nothing starts in it any more. */
  closing: boolean;
  /** Pins of control_sequence nodes that wait: `<node>.<pin>` and how many nodes must settle first. */
  readonly gates: Map<string, number>;
}

export type Task =
  | { readonly do: "resolve"; readonly scope: string; readonly edge: GraphEdge; readonly taken: boolean }
  | { readonly do: "start"; readonly activation: Activation }
  | { readonly do: "gather"; readonly activation: Activation }
  | { readonly do: "perform" | "release"; readonly activation: Activation }
  | {
      readonly do: "complete";
      readonly activation: Activation;
      readonly pins: readonly string[];
      readonly outputs: Record<string, unknown>;
    }
  | { readonly do: "fail"; readonly activation: Activation; readonly error: ErrorInfo }
  | { readonly do: "iterate"; readonly activation: Activation }
  | { readonly do: "endScope" | "break" | "continue"; readonly scope: string };

/** What the run came to, once that is decided. */
export type Outcome =
  | {
      readonly status: "succeeded";
      readonly returned: string;
      readonly statusCode: number;
      readonly result: Record<string, unknown>;
    }
  | { readonly status: "failed" | "cancelled"; readonly error: ErrorInfo };

/** An execution whose result would still count. */
export interface InFlight {
  readonly scope: string;
  /** The activation's node; with `pure`, the consumer. */
  readonly node: string;
  /** The pure node that is being evaluated. */
  readonly pure: string | undefined;
  /** The message of the log that caused it. */
  readonly seq: number;
  /** When that was, ms since 1970; absent in snapshots of before there was tracing. */
  readonly at?: number;
}

/** A timer that has not fired, and whom it wakes. */
export interface LiveTimer {
  readonly scope: string;
  readonly node: string;
  /** "run": it ends the whole run. */
  readonly purpose: "wake" | "deadline" | "run";
  /** Ms since 1970. */
  readonly at: number;
  /** The message of the log that caused it. */
  readonly seq: number;
}

/** What is remembered of a run that somebody debugs. */
export interface DebugState {
  /** Nodes whose activations are held. */
  breakpoints: ReadonlySet<string>;
  /** Whatever becomes ready next is held. */
  stepping: boolean;
  /** `since`: by the log's clock, ms. One that was cancelled meanwhile is no longer in state "held". */
  readonly held: { readonly activation: Activation; readonly since: number }[];
  /** Ids of the commands that were taken in: a repeated one changes nothing. */
  readonly seen: Set<string>;
}

export interface RunStatistics {
  executed: number;
  failed: number;
  skipped: number;
  /** Milliseconds by node id. */
  timesMs: Map<string, number>;
  errors: ErrorInfo[];
}

export interface RunState {
  readonly id: string;
  readonly partition: number;
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly options: RunOptions;
  /** The span that the run is to be a part of, or its own; undefined: it is not traced. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly parent: SubmittedMessage["parent"];
  readonly reply: string | undefined;
  /** What it takes over from an earlier run. */
  readonly reuse: SubmittedMessage["reuse"];
  readonly limits: RunLimits;
  readonly used: Used;
  readonly submittedAt: number;
  /** Time and sequence of the message being folded. */
  now: number;
  seq: number;
  readonly scopes: Map<string, Scope>;
  readonly inFlight: Map<string, InFlight>;
  readonly timers: Map<string, LiveTimer>;
  timerCount: number;
  /** Who waits for a signal, in order, by its name. */
  readonly listeners: Map<string, { readonly scope: string; readonly node: string }[]>;
  /** Signals that came before anybody waited, oldest first, by name. */
  readonly signals: Map<string, unknown[]>;
  /** Ids of the signals that were taken in: a repeated one changes nothing. */
  readonly seenSignals: Set<string>;
  /** Ready activations that may not start now: the run is paused. */
  held: Activation[];
  /** False while the run is paused or on its way out: nothing new starts. */
  starting: boolean;
  /** Somebody paused it: a retry alone does not lift that. */
  heldByHand: boolean;
  /** Activations that wait for an operator. */
  incidents: number;
  /** Undefined in a run that nobody debugs. */
  debug: DebugState | undefined;
  outcome: Outcome | undefined;
  readonly statistics: RunStatistics;
  readonly agenda: Task[];
  /** Commands of the current step, in order. */
  out: Command[];
  /** News of the current step. */
  news: NodeEvent[];
  /** Nobody listens at the moment: no news are made. It says nothing of the run, and is in no snapshot. */
  unheard: boolean;
  /** What has come to an end and was not taken away; undefined: nobody wants it. */
  spans: SpanRecord[] | undefined;
  result: RunResult | undefined;
}
