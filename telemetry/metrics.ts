/**
 * Metrics: what a process counts, as plain numbers. Whoever counts on a hot path keeps the number in its hands and adds
 * to it; OpenTelemetry reads the numbers when somebody asks, and is not loaded before.
 *
 * N1. Counting allocates nothing and never fails.
 * N2. What a label may say is bounded: past its limit a new value counts as `other`.
 * N3. An observer that fails or hangs is left out of what is read; the others are not.
 */
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  LABEL_LIMITS,
  type LabelsOf,
  METRICS,
  type MetricName,
  type MetricRow,
} from "./metrics-table.ts";
import type { MetricsReader, OtlpMetricsOptions } from "./otel-metrics.ts";

/** A counter in somebody's hands: `count.value++`. */
export class Count {
  value = 0;
}

/** A histogram in somebody's hands. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many values fell into each bucket; the last one has no bound. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    (counts[at] as number)++;
    this.sum += value;
  }
}

/** One series as it stands. */
export type Sample =
  | { readonly name: MetricName; readonly labels: readonly string[]; readonly value: number }
  | {
      readonly name: MetricName;
      readonly labels: readonly string[];
      readonly counts: readonly number[];
      readonly sum: number;
    };

/** A value for each set of labels. */
export type Observed<Name extends MetricName> = Iterable<readonly [LabelsOf<Name>, number]>;

export interface MetricsOptions {
  /** `orchestrator`, `actor`, `gateway`, `dev`. */
  readonly service: string;
  /** Of RayFlow. Default `0.0.0`. */
  readonly version?: string | undefined;
  /** Further attributes of the process, for whoever reads by OTLP. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Where to send everything, beside being read. Default: nowhere. */
  readonly otlp?: OtlpMetricsOptions | undefined;
}

const OTHER = "other";
/** Longest wait for an observer, ms. */
const OBSERVE_MS = 2_000;
const SEPARATOR = "\u0000";

interface Series {
  readonly labels: readonly string[];
  readonly held: Count | Histogram;
}

type Observer = () => Promise<Sample[]>;

export class Metrics {
  readonly options: MetricsOptions;
  readonly #series = new Map<MetricName, Map<string, Series>>();
  readonly #values = new Map<string, Set<string>>();
  readonly #observers = new Set<Observer>();
  readonly #joined = new Set<Observer>();
  #reader: Promise<MetricsReader> | undefined;

  constructor(options: MetricsOptions) {
    this.options = options;
  }

  /** The counter of these labels: the same one each time. */
  counter<Name extends CounterName>(name: Name, ...labels: LabelsOf<Name>): Count {
    return this.#held(name, labels, () => new Count()) as Count;
  }

  /** Counts one, where it is not worth holding the counter. */
  count<Name extends CounterName>(name: Name, ...labels: LabelsOf<Name>): void {
    this.counter(name, ...labels).value++;
  }

  /** The histogram of these labels: the same one each time. */
  histogram<Name extends HistogramName>(name: Name, ...labels: LabelsOf<Name>): Histogram {
    const { bounds = [] }: MetricRow = METRICS[name];
    return this.#held(name, labels, () => new Histogram(bounds)) as Histogram;
  }

  /** Reads values when somebody asks; gives what ends that. A counter may be observed too. */
  observe<Name extends GaugeName | CounterName>(
    name: Name,
    read: () => Observed<Name> | Promise<Observed<Name>>,
  ): () => void {
    const observer: Observer = async () =>
      [...(await read())].map(([labels, value]) => ({ name, labels: this.#bounded(name, labels), value }));
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Adds series that are counted in other processes: they are read here, and sent nowhere from here. */
  join(read: () => Promise<Sample[]>): () => void {
    this.#joined.add(read);
    return () => this.#joined.delete(read);
  }

  /** All series as they stand now; `own`: without those of other processes. */
  async collect({ own: ownAlone = false }: { readonly own?: boolean } = {}): Promise<Sample[]> {
    const own = [...this.#series].flatMap(([name, series]) =>
      [...series.values()].map(({ labels, held }): Sample => {
        if (held instanceof Count) return { name, labels, value: held.value };
        return { name, labels, counts: [...held.counts], sum: held.sum };
      }),
    );
    const observers = ownAlone ? [...this.#observers] : [...this.#observers, ...this.#joined];
    const observed = await Promise.all(observers.map(orNothing));
    return [...own, ...observed.flat()];
  }

  /** As Prometheus reads it. */
  async render(): Promise<string> {
    return (await this.#open()).render();
  }

  /** Begins to send, if there is somewhere to send to; and what is counted with OpenTelemetry's own meters counts from here. */
  async start(): Promise<void> {
    await this.#open();
  }

  /** Sends what has not been sent, and ends. */
  async stop(): Promise<void> {
    await (await this.#reader)?.stop();
  }

  #open(): Promise<MetricsReader> {
    this.#reader ??= import("./otel-metrics.ts").then(({ openReader }) => openReader(this));
    return this.#reader;
  }

  #held(name: MetricName, asked: readonly string[], make: () => Count | Histogram): Count | Histogram {
    let series = this.#series.get(name);
    if (!series) {
      series = new Map();
      this.#series.set(name, series);
    }
    const known = series.get(asked.join(SEPARATOR));
    if (known) return known.held;
    const labels = this.#bounded(name, asked);
    const key = labels.join(SEPARATOR);
    const found = series.get(key) ?? { labels, held: make() };
    series.set(key, found);
    return found.held;
  }

  /** N2. A value that is known once is known in every metric. */
  #bounded(name: MetricName, labels: readonly string[]): readonly string[] {
    const row: MetricRow = METRICS[name];
    return labels.map((value, at) => {
      const label = row.labels[at] ?? "";
      const limit = LABEL_LIMITS[label];
      if (limit === undefined) return value;
      let known = this.#values.get(label);
      if (!known) {
        known = new Set();
        this.#values.set(label, known);
      }
      if (known.has(value)) return value;
      if (known.size >= limit) return OTHER;
      known.add(value);
      return value;
    });
  }
}

export function createMetrics(options: MetricsOptions): Metrics {
  return new Metrics(options);
}

/** N3. */
async function orNothing(observer: Observer): Promise<Sample[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Sample[]>((done) => {
    timer = setTimeout(() => done([]), OBSERVE_MS);
  });
  try {
    return await Promise.race([observer(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
