/**
 * The run machine: an XState statechart of a run's life. Its events are the messages of the log; what it wants done
 * is left in `context.run.out`. It has no delays, no invoked promises and no children: time and work come in as events.
 *
 *   submitted → running ⇄ paused → succeeded | failed | cancelled, with draining and cancelling on the way out.
 *
 * M1. Every transition is caused by a message of the log.
 * M2. A final state is entered once and appends exactly one `finished` message.
 */

import type { Actor } from "xstate";
import { assign, createActor, not, setup } from "xstate";
import type { RunMessage } from "../../nats/messages.ts";
import { isHeld, lostAllHeld, setStepping } from "./breakpoints.ts";
import { applyMessage, beginRun, resumeStarts, type StepMessage } from "./messages-in.ts";
import type { RunState } from "./run-state.ts";
import { cancelWithin } from "./settle.ts";
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

interface RunContext {
  readonly run: RunState;
}

const stamp = (run: RunState, event: RunEventIn): void => {
  run.now = event.time;
  run.seq = event.seq;
};

/**
 * The actions change `context.run` in place: a run may hold 100,000 results, and a copy per message would cost more
 * than the message. They are assigns all the same, so that they run in order with the guards of `always`.
 */
const runMachine = setup({
  types: {} as { context: RunContext; input: { run: RunState }; events: RunEventIn },
  guards: {
    draining: ({ context: { run } }) =>
      run.outcome?.status === "succeeded" &&
      (run.options.drain ?? run.graph.drain) === "await" &&
      run.inFlight.size > 0,
    succeeded: ({ context: { run } }) => run.outcome?.status === "succeeded",
    failed: ({ context: { run } }) => run.outcome?.status === "failed",
    cancelled: ({ context: { run } }) => run.outcome?.status === "cancelled",
    incident: ({ context: { run } }) => run.incidents > 0,
    // One guard for both: each one that is asked costs every step of every run.
    nothingLeft: ({ context: { run } }) => lostAllHeld(run) && !run.heldByHand && run.incidents === 0,
    halted: ({ context: { run } }) => run.incidents > 0 || !run.starting,
    idle: ({ context: { run } }) => run.inFlight.size === 0,
  },
  actions: {
    /** For an end that changes nothing else: it too is caused by this message, at its time. */
    stamp: assign(({ context, event }) => {
      stamp(context.run, event);
      return {};
    }),
    begin: assign(({ context, event }) => {
      stamp(context.run, event);
      beginRun(context.run);
      return {};
    }),
    apply: assign(({ context, event }) => {
      stamp(context.run, event);
      if (event.type === "message") applyMessage(context.run, event.message);
      return {};
    }),
    hold: assign(({ context, event }) => {
      stamp(context.run, event);
      context.run.starting = false;
      context.run.heldByHand = true;
      return {};
    }),
    letGo: assign(({ context, event }) => {
      stamp(context.run, event);
      context.run.heldByHand = false;
      return {};
    }),
    aim: assign(({ context, event }) => {
      stamp(context.run, event);
      setStepping(context.run, event.type === "step");
      return {};
    }),
    holdStarts: assign(({ context }) => {
      context.run.starting = false;
      return {};
    }),
    release: assign(({ context, event }) => {
      stamp(context.run, event);
      context.run.heldByHand = false;
      resumeStarts(context.run);
      return {};
    }),
    cancel: assign(({ context, event }) => {
      stamp(context.run, event);
      cancelRun(context.run, "reason" in event ? event.reason : undefined);
      return {};
    }),
    finish: assign(({ context }) => {
      finishRun(context.run);
      return {};
    }),
  },
}).createMachine({
  id: "run",
  context: ({ input }) => ({ run: input.run }),
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
            guard: ({ context: { run }, event }) => isRetry(event.message) && !run.heldByHand && !isHeld(run),
            target: "running",
            actions: ["apply", "release"],
          },
          { actions: "apply" },
        ],
        pause: { actions: "hold" },
        // Over a failed node only a retry leads on: what was held must not start, and be paused again at once.
        resume: [
          { guard: not("incident"), target: "running", actions: ["aim", "release"] },
          { actions: ["aim", "letGo"] },
        ],
        continue: [
          { guard: not("incident"), target: "running", actions: ["aim", "release"] },
          { actions: ["aim", "letGo"] },
        ],
        step: [
          { guard: not("incident"), target: "running", actions: ["aim", "release"] },
          { actions: ["aim", "letGo"] },
        ],
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
        message: [
          { guard: ({ event }) => isGraceOver(event.message), target: "cancelled", actions: "stamp" },
          { actions: "apply" },
        ],
        terminate: { target: "cancelled", actions: "stamp" },
      },
    },
    succeeded: { type: "final", entry: "finish" },
    failed: { type: "final", entry: "finish" },
    cancelled: { type: "final", entry: "finish" },
  },
});

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
  run.inFlight.clear();
  for (const id of run.timers.keys()) run.out.push({ type: "cancelTimer", id });
  run.timers.clear();
  run.result = resultOf(run);
  const message: RunMessage = { v: 1, kind: "finished", run: run.id, result: run.result };
  run.out.push({ type: "append", id: `${run.id}:finished`, message });
}

export type RunActor = Actor<typeof runMachine>;
export type RunMachineState =
  | "submitted"
  | "running"
  | "paused"
  | "draining"
  | "cancelling"
  | "succeeded"
  | "failed"
  | "cancelled";

/** A started machine for one run: at its beginning, or where a snapshot left it. */
export function startMachine(run: RunState, at?: RunMachineState): RunActor {
  const snapshot = at && runMachine.resolveState({ value: at, context: { run } });
  const actor = createActor(runMachine, { input: { run }, ...(snapshot ? { snapshot } : {}) });
  // Whoever sends reads the error from the snapshot; without an observer XState would throw it into the event loop.
  actor.subscribe({ error: () => undefined });
  return actor.start();
}
