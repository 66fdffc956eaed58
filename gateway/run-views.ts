/** What people and programs are shown of a run: the answers of `rayflow.svc.runs.*` and of `rayflow runs … --json`. */
import { z } from "zod";
import { errorInfo, nodeEvent, runResult } from "../nats/index.ts";

/** Where a run stands; `waiting`: nothing runs until a timer, a signal or a child run comes. */
export const runStanding = z.enum([
  "running",
  "waiting",
  "paused",
  "draining",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
]);
export type RunStanding = z.infer<typeof runStanding>;

/** ISO 8601, by the clock of the server that stored the log. */
const instant = z.string();
const place = { node: z.string(), scope: z.string() };

/** What a run cannot go on without. */
export const waitsFor = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("actor"), ...place, type: z.string(), attempt: z.number().int() }),
  z.object({ kind: z.literal("timer"), ...place, until: instant }),
  z.object({ kind: z.literal("retry"), ...place, until: instant, attempt: z.number().int() }),
  z.object({ kind: z.literal("signal"), ...place, signal: z.string(), until: instant.nullable() }),
  z.object({ kind: z.literal("child"), ...place, run_id: z.string() }),
  /** A node failed and the run paused: somebody retries it, or cancels the run. */
  z.object({ kind: z.literal("incident"), ...place, error: errorInfo }),
  /** Held at a breakpoint or by a step: somebody steps or goes on. */
  z.object({ kind: z.literal("held"), ...place }),
  z.object({ kind: z.literal("resume") }),
]);
export type WaitsFor = z.infer<typeof waitsFor>;

export const runSummary = z.object({
  run_id: z.string(),
  flow: z.string(),
  version: z.string().nullable(),
  status: runStanding,
  submitted_at: instant,
  ended_at: instant.nullable(),
  status_code: z.number().int().nullable(),
  /** Code of the error that ended it. */
  error: z.string().nullable(),
  /** The first few. */
  waits_for: z.array(waitsFor),
});
export type RunSummary = z.infer<typeof runSummary>;

/** One activation: a node in one scope. */
export const nodeView = z.object({
  ...place,
  type: z.string(),
  state: z.string(),
  attempt: z.number().int(),
  /** Seconds that its code ran; null while that is not known. */
  seconds: z.number().nullable(),
  started_at: instant.nullable(),
  /** Its result was taken over from an earlier run. */
  reused: z.boolean(),
  error: errorInfo.nullable(),
});
export type NodeView = z.infer<typeof nodeView>;

/** An activation that is ready and not started. */
export const heldView = z.object({
  ...place,
  type: z.string(),
  attempt: z.number().int(),
  since: instant,
  /** What it will run with: the pure nodes that feed it have been evaluated. */
  inputs: z.record(z.string(), z.unknown()),
});
export type HeldView = z.infer<typeof heldView>;

/** A node that failed, and what is known of it. */
export const failureView = z.object({
  ...place,
  type: z.string(),
  /** Every attempt that failed, the last one last. */
  attempts: z.array(z.object({ attempt: z.number().int(), at: instant, error: errorInfo })),
  inputs: z.record(z.string(), z.unknown()).nullable(),
  error: errorInfo,
  /** What to do about an error of this code. */
  help: z.string().nullable(),
  /** Whether it ended the run, or holds it up. */
  fatal: z.boolean(),
});
export type FailureView = z.infer<typeof failureView>;

/** A run as it stood after one of its events; by default the last. */
export const runDescription = runSummary.extend({
  at: z.object({ event: z.number().int(), seq: z.number().int(), time: instant }),
  inputs: z.record(z.string(), z.unknown()),
  /** The run whose control_subflow started it. */
  parent: z.string().nullable(),
  /** The run whose results it took over. */
  rerun_of: z.string().nullable(),
  /** Nodes at which it is held. */
  breakpoints: z.array(z.string()),
  held: z.array(heldView),
  nodes: z.array(nodeView),
  failures: z.array(failureView),
  statistics: runResult.shape.statistics,
  result: runResult.nullable(),
});
export type RunDescription = z.infer<typeof runDescription>;

/** What became of a node at one event. */
export const stepNode = nodeEvent.extend({
  /** A pure node: the one that it was evaluated for. */
  for: z.string().optional(),
});
export type StepNode = z.infer<typeof stepNode>;

/** One event of a run's log, and what it led to. */
export const runStep = z.object({
  run_id: z.string(),
  /** From 1: the first event of the run is its submission. */
  event: z.number().int(),
  /** Its sequence in the log of all runs. */
  seq: z.number().int(),
  time: instant,
  kind: z.enum(["submitted", "result", "undeliverable", "timer", "signal", "child", "control", "finished"]),
  summary: z.string(),
  /** Where the run stood after it. */
  status: runStanding,
  /** With values, also the pure nodes that were evaluated. */
  nodes: z.array(stepNode),
});
export type RunStep = z.infer<typeof runStep>;
