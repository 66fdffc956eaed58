/** What the bench asks of its load generator, a process of its own, and what it hears back. */
import type { Extent } from "../measurement.ts";
import type { CpuByProcess } from "../process-cpu.ts";

export interface LoadTarget {
  readonly subject: string;
  /** The submission, as JSON text. */
  readonly payload: string;
  /** Entries that the result must have. */
  readonly result: Readonly<Record<string, unknown>>;
  /** How many nodes the run must have executed, at least. */
  readonly steps: number;
}

export interface LoadRequest {
  readonly target: LoadTarget;
  readonly extent: Extent;
  /** Whose processor time is read at both edges of the measurement; the load generator adds itself. */
  readonly pids: Readonly<Record<string, readonly number[]>>;
}

export interface LoadReport {
  /** Runs that ended within the measurement. */
  readonly runs: number;
  readonly seconds: number;
  readonly cpuBefore: CpuByProcess;
  readonly cpuAfter: CpuByProcess;
  /** From the call that publishes a run to the arrival of its result, ms: of the runs measured, or of some thousands. */
  readonly latenciesMs: readonly number[];
}

export type LoadAnswer =
  | { readonly type: "ready" }
  | { readonly type: "report"; readonly report: LoadReport }
  | { readonly type: "failed"; readonly message: string };
