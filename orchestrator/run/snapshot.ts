/**
 * A run at rest as JSON: what it needs to go on without the messages that brought it there. The flow and its types are
 * not part of it; they are kept once for all runs that share them.
 */
import { z } from "zod";
import type { SubmittedMessage } from "../../nats/messages.ts";
import type { RunMachineState } from "./machine.ts";
import type { Activation, DebugState, LoopState, RunState, Scope } from "./run-state.ts";
import type { SpanRecord } from "./span-records.ts";

/** Raised when a snapshot of before could not be read any more. */
export const SNAPSHOT_VERSION = 1;

type Pairs<K, V> = [K, V][];
type Flat<T> = { [K in keyof T]: T[K] extends Map<infer A, infer B> ? Pairs<A, B> : T[K] };

interface FlatActivation extends Omit<Flat<Activation>, "loop" | "pulls"> {
  pulls: Pairs<string, Activation["pulls"] extends Map<string, infer P> ? P : never>;
  loop: (Omit<LoopState, "results"> & { results: Pairs<number, unknown> }) | undefined;
}

interface FlatScope extends Omit<Scope, "activations" | "gates"> {
  activations: FlatActivation[];
  gates: Pairs<string, number>;
}

/** What `submitted` said, without the flow and its types. */
export type SubmittedHead = Omit<SubmittedMessage, "flow" | "types">;

export interface RunSnapshot {
  v: typeof SNAPSHOT_VERSION;
  state: RunMachineState;
  submitted: SubmittedHead;
  partition: number;
  firstSeq: number;
  submittedAt: number;
  /** The last message of the log that is folded into it. */
  seq: number;
  now: number;
  scopes: FlatScope[];
  inFlight: Pairs<string, RunState["inFlight"] extends Map<string, infer I> ? I : never>;
  timers: Pairs<string, RunState["timers"] extends Map<string, infer T> ? T : never>;
  timerCount: number;
  /** Absent in snapshots of before there were limits. */
  used?: RunState["used"];
  listeners: Pairs<string, { scope: string; node: string }[]>;
  signals: Pairs<string, unknown[]>;
  seenSignals: string[];
  held: { scope: string; node: string }[];
  starting: boolean;
  heldByHand: boolean;
  incidents: number;
  /** Only of a run that somebody debugs. */
  debug?: {
    breakpoints: string[];
    stepping: boolean;
    held: { scope: string; node: string; since: number }[];
    seen: string[];
  };
  outcome: RunState["outcome"];
  statistics: Omit<RunState["statistics"], "timesMs"> & { timesMs: Pairs<string, number> };
  /** Only of a run that is traced. */
  spans?: SpanRecord[];
}

/** Enough of a check to tell a snapshot from something else; what is inside was written by this code. */
export const runSnapshot = z.custom<RunSnapshot>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    (value as { v?: unknown }).v === SNAPSHOT_VERSION &&
    Array.isArray((value as { scopes?: unknown }).scopes),
  { message: "not a snapshot of this version" },
);

/** The run as it stands between two messages. Values are shared with the run: write the snapshot out before folding on. */
export function takeSnapshot(
  run: RunState,
  state: RunMachineState,
  submitted: SubmittedHead,
  firstSeq: number,
): RunSnapshot {
  return {
    v: SNAPSHOT_VERSION,
    state,
    submitted,
    partition: run.partition,
    firstSeq,
    submittedAt: run.submittedAt,
    seq: run.seq,
    now: run.now,
    scopes: [...run.scopes.values()].map((scope) => ({
      ...scope,
      activations: [...scope.activations.values()].map(flatten),
      gates: [...scope.gates],
    })),
    inFlight: [...run.inFlight],
    timers: [...run.timers],
    timerCount: run.timerCount,
    used: { ...run.used },
    listeners: [...run.listeners],
    signals: [...run.signals],
    seenSignals: [...run.seenSignals],
    held: run.held.map(({ scope, node }) => ({ scope, node })),
    starting: run.starting,
    heldByHand: run.heldByHand,
    incidents: run.incidents,
    ...(run.debug ? { debug: flattenDebug(run.debug) } : {}),
    outcome: run.outcome,
    statistics: { ...run.statistics, timesMs: [...run.statistics.timesMs] },
    ...(run.spans && run.spans.length > 0 ? { spans: run.spans } : {}),
  };
}

function flatten(activation: Activation): FlatActivation {
  const { loop } = activation;
  return {
    ...activation,
    pulls: [...activation.pulls],
    loop: loop && { ...loop, results: [...loop.results] },
  };
}

function flattenDebug({ breakpoints, stepping, held, seen }: DebugState): NonNullable<RunSnapshot["debug"]> {
  const places = held.map(({ activation: { scope, node }, since }) => ({ scope, node, since }));
  return { breakpoints: [...breakpoints], stepping, held: places, seen: [...seen] };
}

/** Puts a snapshot into a fresh state of the same run. */
export function restore(run: RunState, snapshot: RunSnapshot): void {
  run.now = snapshot.now;
  run.seq = snapshot.seq;
  run.timerCount = snapshot.timerCount;
  Object.assign(run.used, snapshot.used);
  run.starting = snapshot.starting;
  run.heldByHand = snapshot.heldByHand;
  run.incidents = snapshot.incidents;
  run.outcome = snapshot.outcome;
  for (const scope of snapshot.scopes) {
    const activations = scope.activations.map((flat): [string, Activation] => [
      flat.node,
      {
        ...blank,
        ...flat,
        pulls: new Map(flat.pulls),
        loop: flat.loop && { ...flat.loop, total: flat.loop.total, results: new Map(flat.loop.results) },
      },
    ]);
    run.scopes.set(scope.path, {
      ...scope,
      parent: scope.parent,
      activations: new Map(activations),
      gates: new Map(scope.gates),
    });
  }
  fill(
    run.inFlight,
    snapshot.inFlight.map(([id, pending]) => [id, { ...pending, pure: pending.pure }]),
  );
  fill(run.timers, snapshot.timers);
  fill(run.listeners, snapshot.listeners);
  fill(run.signals, snapshot.signals);
  for (const id of snapshot.seenSignals) run.seenSignals.add(id);
  run.held = snapshot.held.flatMap(({ scope, node }) => run.scopes.get(scope)?.activations.get(node) ?? []);
  run.debug = snapshot.debug && restoredDebug(run, snapshot.debug);
  const { timesMs, errors, ...counts } = snapshot.statistics;
  Object.assign(run.statistics, counts);
  run.statistics.errors.push(...errors);
  fill(run.statistics.timesMs, timesMs);
  run.spans = snapshot.spans && [...snapshot.spans];
}

function restoredDebug(run: RunState, debug: NonNullable<RunSnapshot["debug"]>): DebugState {
  const held = debug.held.flatMap(({ scope, node, since }) => {
    const activation = run.scopes.get(scope)?.activations.get(node);
    return activation ? [{ activation, since }] : [];
  });
  return { ...debug, breakpoints: new Set(debug.breakpoints), held, seen: new Set(debug.seen) };
}

/** What JSON leaves out because it is undefined. */
const blank = {
  inputs: undefined,
  outputs: undefined,
  error: undefined,
  timer: undefined,
  deadlineTimer: undefined,
  loop: undefined,
} as const;

function fill<K, V>(map: Map<K, V>, pairs: Iterable<readonly [K, V]>): void {
  for (const [key, value] of pairs) map.set(key, value);
}
