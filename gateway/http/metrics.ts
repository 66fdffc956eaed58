/** What the gateway counts, as Prometheus text. Everything about metrics is in this file. */

export interface HttpMetrics {
  /** `route`: the pattern, never the address that was asked for. */
  request(labels: { readonly method: string; readonly route: string; readonly status: number }, seconds: number): void;
  streamOpened(): void;
  streamClosed(): void;
  /** A run that was started through the gateway. */
  run(outcome: "accepted" | "succeeded" | "failed" | "cancelled" | "refused"): void;
  text(): string;
}

/** Upper bounds of the duration's buckets, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300];

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

export function createMetrics(): HttpMetrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, Histogram>();
  const runs = new Map<string, number>();
  let streams = 0;
  return {
    request: ({ method, route, status }, seconds) => {
      const where = `method="${escapeLabel(method)}",route="${escapeLabel(route)}"`;
      add(requests, `${where},status="${status}"`);
      const histogram = durations.get(where) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
      durations.set(where, histogram);
      const at = BUCKETS.findIndex((bound) => seconds <= bound);
      if (at >= 0) histogram.counts[at] = (histogram.counts[at] ?? 0) + 1;
      histogram.sum += seconds;
      histogram.count++;
    },
    streamOpened: () => void streams++,
    streamClosed: () => void streams--,
    run: (outcome) => add(runs, `outcome="${outcome}"`),
    text: () => {
      const lines = [
        ...family("rayflow_http_requests_total", "counter", "Requests that were answered.", requests),
        "# HELP rayflow_http_request_duration_seconds How long an answer took; a stream until it began.",
        "# TYPE rayflow_http_request_duration_seconds histogram",
        ...[...durations].flatMap(([where, histogram]) => buckets(where, histogram)),
        ...family("rayflow_http_streams_open", "gauge", "Event streams that are open.", new Map([["", streams]])),
        ...family("rayflow_http_runs_total", "counter", "Runs started through the gateway, by how that went.", runs),
      ];
      return `${lines.join("\n")}\n`;
    },
  };
}

function add(counters: Map<string, number>, labels: string): void {
  counters.set(labels, (counters.get(labels) ?? 0) + 1);
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const samples = [...values].map(([labels, value]) => `${name}${labels === "" ? "" : `{${labels}}`} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}

function buckets(where: string, { counts, sum, count }: Histogram): string[] {
  const name = "rayflow_http_request_duration_seconds";
  let below = 0;
  const lines = BUCKETS.map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket{${where},le="${bound}"} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket{${where},le="+Inf"} ${count}`,
    `${name}_sum{${where}} ${sum.toFixed(6)}`,
    `${name}_count{${where}} ${count}`,
  ];
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
