/**
 * What the processes of a manager have counted, together, as if it were one process.
 *
 * J1. A process that has ended keeps what it had counted when it was asked last: a counter never falls.
 * J2. Gauges are of processes that live.
 */
import { METRICS, type MetricRow, type Sample } from "../telemetry/index.ts";

export interface CountingProcess {
  readonly isReady: boolean;
  metrics(timeoutMs: number): Promise<readonly Sample[] | undefined>;
}

/** Longest wait for a process, ms: one that is busy is shown as it was. */
const ASK_MS = 1_000;

export class JoinedMetrics {
  /** Of processes that have ended. */
  #past: Sample[] = [];
  readonly #last = new Map<CountingProcess, readonly Sample[]>();

  /** Asks all of them. */
  async read(processes: readonly CountingProcess[]): Promise<Sample[]> {
    await Promise.all(
      processes.map(async (one) => {
        const samples = await one.metrics(ASK_MS);
        if (samples) this.#last.set(one, samples);
      }),
    );
    for (const [one, samples] of this.#last) {
      if (processes.includes(one)) continue;
      this.#last.delete(one);
      this.#past = sum([this.#past, samples.filter(({ name }) => kindOf(name) !== "gauge")]);
    }
    return sum([this.#past, ...this.#last.values()]);
  }
}

function kindOf(name: Sample["name"]): MetricRow["kind"] {
  return METRICS[name].kind;
}

/** Series of the same name and labels become one. */
export function sum(all: readonly (readonly Sample[])[]): Sample[] {
  const found = new Map<string, Sample>();
  for (const sample of all.flat()) {
    const key = JSON.stringify([sample.name, ...sample.labels]);
    const known = found.get(key);
    found.set(key, known === undefined ? sample : plus(known, sample));
  }
  return [...found.values()];
}

function plus(one: Sample, other: Sample): Sample {
  if ("value" in one && "value" in other) return { ...one, value: one.value + other.value };
  if (!("counts" in one && "counts" in other)) return one;
  const counts = one.counts.map((count, at) => count + (other.counts[at] ?? 0));
  return { ...one, counts, sum: one.sum + other.sum };
}
