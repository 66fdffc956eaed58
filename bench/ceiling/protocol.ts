/** What the bench asks of the ceiling's driver. The answers are those of the load generator. */
import type { Extent } from "../measurement.ts";

/**
 * `single`: a message for each step. `batched`: what became ready in one turn of the event loop shares messages.
 * `whole`: batched, and with the messages around each run: submission, `submitted`, `finished`, history, answer.
 */
export type CeilingMode = "single" | "batched" | "whole";

export interface CeilingRequest {
  readonly mode: CeilingMode;
  /** So many steps at once; when all are done, so many; and so on. */
  readonly stages: readonly number[];
  /** What each step is given and hands on, besides a number, bytes. */
  readonly payloadBytes: number;
  readonly extent: Extent;
  readonly pids: Readonly<Record<string, readonly number[]>>;
}
