/**
 * When a measurement begins and ends. Told of each run that ended, it says whether the next one may begin.
 *
 * L1. It begins and ends with a completion, so that no run is counted by halves. Runs that were begun together tend to
 *     end together: it lasts for as many completions as are in flight, or a multiple of that.
 * L2. It is done when nothing is in flight any more: the next one starts on a system at rest.
 */
import type { LoadReport } from "./load/protocol.ts";
import type { CpuByProcess } from "./process-cpu.ts";

export type Extent =
  | {
      /** Keeps `inFlight` runs going: for each that ends, another begins. */
      readonly type: "throughput";
      readonly inFlight: number;
      readonly warmupMs: number;
      readonly measureMs: number;
    }
  | {
      /** One run after the other, the next one when the last one's result is here. */
      readonly type: "latency";
      readonly warmupRuns: number;
      readonly runs: number;
    };

export interface MeasurementOptions {
  readonly extent: Extent;
  readonly readCpu: () => CpuByProcess;
  /** Monotonic, ms. */
  readonly now: () => number;
}

export class Measurement {
  readonly #options: MeasurementOptions;
  readonly #latenciesMs: number[] = [];
  readonly #startedAt: number;
  #ended = 0;
  #from = 0;
  #cpuBefore: CpuByProcess | undefined;
  #report: LoadReport | undefined;

  constructor(options: MeasurementOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  /** How many runs are to be in flight. */
  get width(): number {
    const { extent } = this.#options;
    return extent.type === "throughput" ? extent.inFlight : 1;
  }

  /** There once the measurement is over. */
  get report(): LoadReport | undefined {
    return this.#report;
  }

  ended(latencyMs: number): "again" | "enough" {
    if (this.#report) return "enough";
    this.#ended++;
    if (!this.#cpuBefore) {
      if (this.#isWarm()) this.#begin();
      return "again";
    }
    this.#latenciesMs.push(latencyMs);
    if (!this.#isEnough()) return "again";
    this.#report = {
      runs: this.#latenciesMs.length,
      seconds: (this.#options.now() - this.#from) / 1000,
      cpuBefore: this.#cpuBefore,
      cpuAfter: this.#options.readCpu(),
      latenciesMs: thinned(this.#latenciesMs),
    };
    return "enough";
  }

  #begin(): void {
    this.#cpuBefore = this.#options.readCpu();
    this.#from = this.#options.now();
  }

  #isWarm(): boolean {
    const { extent, now } = this.#options;
    if (extent.type === "latency") return this.#ended >= extent.warmupRuns;
    return now() - this.#startedAt >= extent.warmupMs;
  }

  #isEnough(): boolean {
    const { extent, now } = this.#options;
    const ended = this.#latenciesMs.length;
    if (extent.type === "latency") return ended >= extent.runs;
    return ended % extent.inFlight === 0 && now() - this.#from >= extent.measureMs;
  }
}

/** At most some thousands of them, evenly: enough for a quantile, and little to send. */
function thinned(values: readonly number[]): number[] {
  const every = Math.max(1, Math.ceil(values.length / 5_000));
  return values.filter((_, i) => i % every === 0);
}
