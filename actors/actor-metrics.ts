/** What an actor counts, by node type: handles that are looked up once for each message, then only added to. */
import type { NodeResult } from "../nats/index.ts";
import { type Count, createMetrics, type Histogram, type Metrics } from "../telemetry/index.ts";

type Outcome = "ok" | "cached" | "error" | "timeout" | "cancelled" | "lost";

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  NodeTimeout: "timeout",
  RunCancelled: "cancelled",
  ActorLost: "lost",
};

export class TypeMetrics {
  readonly queue: Histogram;
  readonly redelivered: Count;
  readonly #processing: Histogram;
  readonly #ok: Count;
  readonly #outcome: (outcome: Outcome) => Count;

  constructor(metrics: Metrics, type: string) {
    this.queue = metrics.histogram("rayflow_actor_queue_seconds", type);
    this.redelivered = metrics.counter("rayflow_actor_redeliveries_total", type);
    this.#processing = metrics.histogram("rayflow_actor_processing_seconds", type);
    this.#outcome = (outcome) => metrics.counter("rayflow_actor_executions_total", type, outcome);
    this.#ok = this.#outcome("ok");
  }

  /** An attempt that ran has ended. */
  ended({ status, cached, duration_ms, error }: NodeResult): void {
    this.#processing.record(duration_ms / 1000);
    if (status !== "ok") this.refusedAs(error?.code ?? "").value++;
    else if (cached) this.#outcome("cached").value++;
    else this.#ok.value++;
  }

  /** The counter of attempts that ended with an error of this code, or were refused with it. */
  refusedAs(code: string): Count {
    return this.#outcome(OUTCOMES[code] ?? "error");
  }
}

export class ActorMetrics {
  readonly #metrics: Metrics;
  readonly #types = new Map<string, TypeMetrics>();

  /** Default: what is counted is for nobody. */
  constructor(metrics: Metrics = createMetrics({ service: "actor" })) {
    this.#metrics = metrics;
  }

  of(type: string): TypeMetrics {
    const known = this.#types.get(type);
    if (known) return known;
    const made = new TypeMetrics(this.#metrics, type);
    this.#types.set(type, made);
    return made;
  }

  /** A message that was not run. */
  refused(reason: "malformed" | "not_served"): void {
    this.#metrics.count("rayflow_actor_refused_total", reason);
  }

  /** What is read when somebody asks; gives what ends that. */
  observe(read: { inFlight: () => number; slots: number; unacked: () => number }): () => void {
    const ends = [
      this.#metrics.observe("rayflow_actor_in_flight", () => [[[], read.inFlight()]]),
      this.#metrics.observe("rayflow_actor_slots", () => [[[], read.slots]]),
      this.#metrics.observe("rayflow_actor_unacknowledged_results", () => [[[], read.unacked()]]),
    ];
    return () => {
      for (const end of ends) end();
    };
  }
}
