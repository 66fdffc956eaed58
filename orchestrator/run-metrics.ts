/**
 * What an orchestrator counts of runs and steps, one for all its partitions.
 *
 * C1. What a predecessor has counted, as its checkpoint says, is not counted again: at a takeover at most about a second of
 *     the log counts twice, once for each process.
 * C2. A step costs a few additions and one entry of a map, which forgets the oldest when results do not come.
 */

import type { NodeResult, RunResult } from "../nats/index.ts";
import type { Count, Histogram, Metrics } from "../telemetry/index.ts";

/** Attempts whose time is taken at once. */
const MAX_TIMED = 50_000;

interface TypeMetrics {
  readonly sent: Count;
  readonly retried: Count;
  readonly ok: Count;
  readonly failed: Count;
  readonly latency: Histogram;
}

export class RunMetrics {
  readonly #metrics: Metrics;
  readonly #types = new Map<string, TypeMetrics>();
  /** By execution: when it was sent, ms by the monotonic clock. */
  readonly #sentAt = new Map<string, number>();
  readonly #batches: Histogram;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#batches = metrics.histogram("rayflow_dispatch_batch_entries");
  }

  /** An attempt goes to the actors. */
  sent(type: string, { id, attempt }: { readonly id: string; readonly attempt: number }): void {
    const of = this.#of(type);
    of.sent.value++;
    if (attempt > 1) of.retried.value++;
    this.#sentAt.set(id, performance.now());
    if (this.#sentAt.size > MAX_TIMED)
      for (const oldest of this.#sentAt.keys()) return void this.#sentAt.delete(oldest);
  }

  /** So many attempts share a message. */
  batch(entries: number): void {
    this.#batches.record(entries);
  }

  /** Results are applied. */
  applied(type: string, results: readonly Pick<NodeResult, "id" | "status" | "error">[]): void {
    const of = this.#of(type);
    const now = performance.now();
    for (const { id, status, error } of results) {
      if (status === "ok") of.ok.value++;
      else {
        of.failed.value++;
        this.#metrics.count("rayflow_step_errors_total", type, error?.code ?? "unknown");
      }
      const sentAt = this.#sentAt.get(id);
      if (sentAt === undefined) continue;
      this.#sentAt.delete(id);
      of.latency.record((now - sentAt) / 1000);
    }
  }

  started(flow: string): void {
    this.#metrics.count("rayflow_runs_started_total", flow);
  }

  finished(flow: string, { status, error, statistics }: Pick<RunResult, "status" | "error" | "statistics">): void {
    this.#metrics.count("rayflow_runs_finished_total", flow, status);
    this.#metrics.histogram("rayflow_run_duration_seconds", flow).record(statistics.total_time);
    if (error) this.#metrics.count("rayflow_run_failures_total", error.code);
  }

  #of(type: string): TypeMetrics {
    const known = this.#types.get(type);
    if (known) return known;
    const metrics = this.#metrics;
    const made: TypeMetrics = {
      sent: metrics.counter("rayflow_steps_sent_total", type),
      retried: metrics.counter("rayflow_step_retries_total", type),
      ok: metrics.counter("rayflow_step_results_total", type, "ok"),
      failed: metrics.counter("rayflow_step_results_total", type, "error"),
      latency: metrics.histogram("rayflow_step_latency_seconds", type),
    };
    this.#types.set(type, made);
    return made;
  }
}
