/**
 * The run machine: a statechart of a run's life, in XState's words. Its events are the messages of the log; what it
 * wants done is left in `run.out`. It has no delays, no invoked promises and no children: time and work come in as events.
 *
 *   submitted → running ⇄ paused → succeeded | failed | cancelled, with draining and cancelling on the way out.
 *
 * M1. Every transition is caused by a message of the log.
 * M2. A final state is entered once and appends exactly one `finished` message.
 */

import type { RunMessage } from "../../nats/messages.ts";
import { isHeld, lostAllHeld, setStepping } from "./breakpoints.ts";
import { type Chart, ChartRunner, compileChart } from "./chart-runner.ts";
import { applyMessage, beginRun, resumeStarts, type StepMessage } from "./messages-in.ts";
import type { RunState } from "./run-state.ts";
import { cancelWithin } from "./settle.ts";
import { noteRun, noteSend } from "./span-records.ts";
import { nodeOf } from "./state-tracker.ts";
import { resultOf } from "./statistics.ts";

/** One message of the log, as the machine's event. `time` is the log's, ms since 1970. */
export type RunEventIn =
  | { readonly type: "begin"; readonly seq: number; readonly time: number }
  | { readonly type: "message"; readonly seq: number; readonly time: number; readonly message: StepMessage }
  | {
      readonly type: "cancel" | "terminate" | "pause" | "resume" | "step" | "continue";
      readonly seq: number;
      readonly time: number;
      readonly reason: string | undefined;
    };

/** How long a cancelled run waits for its actors to answer, ms. */
export const CANCEL_GRACE_MS = 10_000;
const CANCEL_TIMER = "cancel";

export type Guard = (run: RunState, event: RunEventIn) => boolean;
export type Action = (run: RunState, event: RunEventIn) => void;

function stamp(run: RunState, event: RunEventIn): void {
  run.now = event.time;
  run.seq = event.seq;
}

/** What the names in the chart ask of a run. */
export const guards = {
  draining: (run) =>
    run.outcome?.status === "succeeded" && (run.options.drain ?? run.graph.drain) === "await" && run.inFlight.size > 0,
  succeeded: (run) => run.outcome?.status === "succeeded",
  failed: (run) => run.outcome?.status === "failed",
  noIncident: (run) => run.incidents === 0,
  // One guard for both: each one that is asked costs every step of every run.
  nothingLeft: (run) => lostAllHeld(run) && !run.heldByHand && run.incidents === 0,
  halted: (run) => run.incidents > 0 || !run.starting,
  idle: (run) => run.inFlight.size === 0,
  retryLeadsOn: (run, event) => event.type === "message" && isRetry(event.message) && !run.heldByHand && !isHeld(run),
  graceOver: (_, event) => event.type === "message" && isGraceOver(event.message),
} satisfies Record<string, Guard>;

/** What they do to it: in place, for a run may hold 100,000 results, and a copy per message would cost more than that. */
export const actions = {
  /** For an end that changes nothing else: it too is caused by this message, at its time. */
  stamp,
  begin: (run, event) => {
    stamp(run, event);
    beginRun(run);
  },
  apply: (run, event) => {
    stamp(run, event);
    if (event.type === "message") applyMessage(run, event.message);
  },
  hold: (run, event) => {
    stamp(run, event);
    run.starting = false;
    run.heldByHand = true;
  },
  letGo: (run, event) => {
    stamp(run, event);
    run.heldByHand = false;
  },
  aim: (run, event) => {
    stamp(run, event);
    setStepping(run, event.type === "step");
  },
  holdStarts: (run) => {
    run.starting = false;
  },
  release: (run, event) => {
    stamp(run, event);
    run.heldByHand = false;
    resumeStarts(run);
  },
  cancel: (run, event) => {
    stamp(run, event);
    cancelRun(run, "reason" in event ? event.reason : undefined);
  },
  finish: (run) => finishRun(run),
} satisfies Record<string, Action>;

/** The statechart, in XState's words. */
export const runChart = {
  initial: "submitted",
  states: {
    submitted: {
      on: { begin: { target: "running", actions: "begin" } },
    },
    running: {
      always: [
        { guard: "draining", target: "draining" },
        { guard: "succeeded", target: "succeeded" },
        { guard: "failed", target: "failed" },
        { guard: "halted", target: "paused", actions: "holdStarts" },
      ],
      on: {
        message: { actions: "apply" },
        pause: { target: "paused", actions: "hold" },
        step: { actions: "aim" },
        continue: { actions: "aim" },
        cancel: { target: "cancelling", actions: "cancel" },
        terminate: { target: "cancelled", actions: "cancel" },
      },
    },
    paused: {
      always: [
        { guard: "draining", target: "draining" },
        { guard: "succeeded", target: "succeeded" },
        { guard: "failed", target: "failed" },
        { guard: "nothingLeft", target: "running", actions: "release" },
      ],
      on: {
        message: [
          {
            guard: "retryLeadsOn",
            target: "running",
            actions: ["apply", "release"],
          },
          { actions: "apply" },
        ],
        pause: { actions: "hold" },
        // Over a failed node only a retry leads on: what was held must not start, and be paused again at once.
        resume: [
          { guard: "noIncident", target: "running", actions: ["aim", "release"] },
          { actions: ["aim", "letGo"] },
        ],
        continue: [
          { guard: "noIncident", target: "running", actions: ["aim", "release"] },
          { actions: ["aim", "letGo"] },
        ],
        step: [{ guard: "noIncident", target: "running", actions: ["aim", "release"] }, { actions: ["aim", "letGo"] }],
        cancel: { target: "cancelling", actions: "cancel" },
        terminate: { target: "cancelled", actions: "cancel" },
      },
    },
    draining: {
      always: { guard: "idle", target: "succeeded" },
      on: {
        message: { actions: "apply" },
        cancel: { target: "succeeded", actions: "stamp" },
        terminate: { target: "succeeded", actions: "stamp" },
      },
    },
    cancelling: {
      always: { guard: "idle", target: "cancelled" },
      on: {
        message: [{ guard: "graceOver", target: "cancelled", actions: "stamp" }, { actions: "apply" }],
        terminate: { target: "cancelled", actions: "stamp" },
      },
    },
    succeeded: { type: "final", entry: "finish" },
    failed: { type: "final", entry: "finish" },
    cancelled: { type: "final", entry: "finish" },
  },
} as const satisfies Chart<RunMachineState, keyof typeof guards, keyof typeof actions, RunEventIn["type"]>;

function isRetry(message: StepMessage): boolean {
  return message.kind === "control" && message.action === "retry";
}

function isGraceOver(message: StepMessage): boolean {
  return message.kind === "timer" && message.id === CANCEL_TIMER;
}

function cancelRun(run: RunState, reason: string | undefined): void {
  run.outcome = {
    status: "cancelled",
    error: { code: "RunCancelled", message: reason ?? "the run was cancelled", retryable: false },
  };
  // In flight work is told to stop at once; cancelling lasts until its actors have answered.
  run.out.push({ type: "stop", executions: undefined });
  if (run.inFlight.size === 0) return;
  for (const [id, pending] of run.inFlight) {
    if (pending.pure === undefined && nodeOf(run, pending.node).kind === "subflow")
      run.out.push({ type: "stopChild", id });
  }
  const at = run.now + CANCEL_GRACE_MS;
  run.timers.set(CANCEL_TIMER, { scope: "", node: run.graph.start, purpose: "wake", at, seq: run.seq });
  run.out.push({ type: "setTimer", id: CANCEL_TIMER, at });
}

function finishRun(run: RunState): void {
  const inFlight = run.inFlight.size > 0;
  cancelWithin(run, "");
  // One word to all of the run's actors stands for whatever was to be stopped one by one.
  const stops = inFlight || run.out.some((command) => command.type === "stop");
  run.out = run.out.filter((command) => command.type !== "stop");
  if (stops) run.out.push({ type: "stop", executions: undefined });
  // What is still waited for is none of an activation any more.
  for (const [id, pending] of run.inFlight) noteSend(run, id, pending, undefined);
  run.inFlight.clear();
  for (const id of run.timers.keys()) run.out.push({ type: "cancelTimer", id });
  run.timers.clear();
  run.result = resultOf(run);
  noteRun(run);
  const message: RunMessage = { v: 1, kind: "finished", run: run.id, result: run.result };
  run.out.push({ type: "append", id: `${run.id}:finished`, message });
}

export type RunMachineState =
  | "submitted"
  | "running"
  | "paused"
  | "draining"
  | "cancelling"
  | "succeeded"
  | "failed"
  | "cancelled";

const compiled = compileChart(runChart, { guards, actions });

export type RunMachine = ChartRunner<RunState, RunEventIn, RunMachineState>;

/** A machine for one run: at its beginning, or where a snapshot left it. */
export function startMachine(run: RunState, at: RunMachineState = runChart.initial): RunMachine {
  return new ChartRunner(compiled, run, at);
}
