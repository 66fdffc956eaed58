import * as api from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { createMetrics, Histogram, type Sample } from "./metrics.ts";
import { metricsSettings } from "./metrics-settings.ts";
import { LABEL_LIMITS, METRICS, type MetricRow } from "./metrics-table.ts";

const seriesOf = (samples: readonly Sample[], name: string, ...labels: string[]) => {
  const found = samples.find((sample) => sample.name === name && sample.labels.join() === labels.join());
  return found && "value" in found ? found.value : found;
};

describe("the table", () => {
  it("names metrics as Prometheus wants them: base units, counters in _total, known labels", () => {
    for (const [name, row] of Object.entries(METRICS) as [string, MetricRow][]) {
      expect(name).toMatch(/^rayflow_[a-z][a-z0-9_]*[a-z]$/);
      expect(name.endsWith("_total"), name).toBe(row.kind === "counter");
      if (row.unit === "s") expect(name).toMatch(/_seconds(_total)?$/);
      if (row.unit === "By") expect(name).toMatch(/_bytes(_total)?$/);
      expect(row.help).toMatch(/^[A-Z0-9].*\.$/);
      expect(row.bounds !== undefined, name).toBe(row.kind === "histogram");
      expect([...(row.bounds ?? [])].sort((a, b) => a - b)).toEqual([...(row.bounds ?? [])]);
      for (const label of row.labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });
});

describe("Metrics", () => {
  it("gives the same counter for the same labels, and another one for others", async () => {
    const metrics = createMetrics({ service: "test" });
    const one = metrics.counter("rayflow_runs_finished_total", "f", "failed");
    one.value += 2;
    metrics.count("rayflow_runs_finished_total", "f", "failed");
    metrics.count("rayflow_runs_finished_total", "f", "succeeded");
    expect(metrics.counter("rayflow_runs_finished_total", "f", "failed")).toBe(one);
    const samples = await metrics.collect();
    expect(seriesOf(samples, "rayflow_runs_finished_total", "f", "failed")).toBe(3);
    expect(seriesOf(samples, "rayflow_runs_finished_total", "f", "succeeded")).toBe(1);
  });

  it("counts what is past a label's limit as other, in every metric alike (N2)", async () => {
    const metrics = createMetrics({ service: "test" });
    const { flow: limit = 0 } = LABEL_LIMITS;
    for (let at = 0; at < limit + 50; at++) metrics.count("rayflow_runs_started_total", `flow${at}`);
    metrics.count("rayflow_runs_finished_total", `flow${limit + 1}`, "failed");
    metrics.count("rayflow_runs_finished_total", "flow1", "failed");
    const samples = await metrics.collect();
    expect(samples.filter(({ name }) => name === "rayflow_runs_started_total")).toHaveLength(limit + 1);
    expect(seriesOf(samples, "rayflow_runs_started_total", "other")).toBe(50);
    expect(seriesOf(samples, "rayflow_runs_finished_total", "other", "failed")).toBe(1);
    expect(seriesOf(samples, "rayflow_runs_finished_total", "flow1", "failed")).toBe(1);
  });

  it("leaves out an observer that fails or hangs, and reads the others (N3)", async () => {
    const metrics = createMetrics({ service: "test" });
    metrics.observe("rayflow_actor_in_flight", () => [[[], 7]]);
    metrics.observe("rayflow_actor_slots", () => Promise.reject(new Error("away")));
    metrics.observe("rayflow_partitions", () => {
      throw new Error("gone");
    });
    metrics.observe("rayflow_partitions_owned", () => new Promise(() => {}));
    const end = metrics.observe("rayflow_nats_connected", () => [[[], 1]]);
    end();
    expect(await metrics.collect()).toEqual([{ name: "rayflow_actor_in_flight", labels: [], value: 7 }]);
  });

  it("shows series of other processes, and does not take them for its own", async () => {
    const metrics = createMetrics({ service: "test" });
    metrics.join(async () => [{ name: "rayflow_actor_in_flight", labels: [], value: 3 }]);
    expect(await metrics.collect()).toHaveLength(1);
    expect(await metrics.collect({ own: true })).toEqual([]);
  });

  it("renders what Prometheus reads: help, type, cumulative buckets, escaped labels", async () => {
    const metrics = createMetrics({ service: "test", version: "1.2.3" });
    metrics.counter("rayflow_runs_started_total", 'a "quoted"\nflow\\').value = 4;
    const histogram = metrics.histogram("rayflow_dispatch_batch_entries");
    for (const entries of [1, 1, 3, 100]) histogram.record(entries);
    const lines = (await metrics.render()).split("\n");
    await metrics.stop();
    expect(lines).toEqual(
      expect.arrayContaining([
        "# TYPE rayflow_runs_started_total counter",
        "# HELP rayflow_runs_started_total Runs that began.",
        'rayflow_runs_started_total{flow="a \\"quoted\\"\\nflow\\\\"} 4',
        "# TYPE rayflow_dispatch_batch_entries histogram",
        'rayflow_dispatch_batch_entries_bucket{le="1"} 2',
        'rayflow_dispatch_batch_entries_bucket{le="2"} 2',
        'rayflow_dispatch_batch_entries_bucket{le="4"} 3',
        'rayflow_dispatch_batch_entries_bucket{le="32"} 3',
        'rayflow_dispatch_batch_entries_bucket{le="+Inf"} 4',
        "rayflow_dispatch_batch_entries_sum 105",
        "rayflow_dispatch_batch_entries_count 4",
        'target_info{service_name="rayflow-test",service_version="1.2.3"} 1',
      ]),
    );
  });
});

describe("what is counted with OpenTelemetry's own meters", () => {
  it("is read with the rest, once the metrics have been started", async () => {
    const metrics = createMetrics({ service: "test" });
    await metrics.start();
    const meter = api.metrics.getMeter("mine");
    meter.createCounter("mine_orders").add(2, { kind: "large" });
    meter.createHistogram("mine_seconds", { advice: { explicitBucketBoundaries: [1, 2] } }).record(1.5);
    metrics.count("rayflow_runs_started_total", "f");
    const lines = (await metrics.render()).split("\n");
    await metrics.stop();
    expect(lines).toEqual(
      expect.arrayContaining([
        'mine_orders_total{kind="large"} 2',
        'mine_seconds_bucket{le="2"} 1',
        'rayflow_runs_started_total{flow="f"} 1',
      ]),
    );
  });
});

describe("a histogram", () => {
  it("puts a value into the first bucket whose bound it does not pass", () => {
    const histogram = new Histogram([1, 10]);
    for (const value of [0, 1, 1.0001, 10, 11, Number.POSITIVE_INFINITY]) histogram.record(value);
    expect(histogram.counts).toEqual([2, 2, 2]);
  });
});

describe("the OTEL_* variables", () => {
  it("send metrics only if they say so, to the address of all signals or their own", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };
    expect(metricsSettings(endpoint).otlp).toBeUndefined();
    expect(metricsSettings({ ...endpoint, OTEL_METRICS_EXPORTER: "none" }).otlp).toBeUndefined();
    const asked = { ...endpoint, OTEL_METRICS_EXPORTER: "prometheus, otlp" };
    expect(metricsSettings(asked)).toMatchObject({ otlp: { url: "http://collector:4318/v1/metrics" }, warnings: [] });
    expect(metricsSettings({ ...asked, OTEL_SDK_DISABLED: "true" }).otlp).toBeUndefined();
    const own = metricsSettings({
      ...asked,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://other/x",
      OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=2",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "b=3%204",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      OTEL_SERVICE_NAME: "mine",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=theirs,env=prod",
    });
    expect(own.otlp).toEqual({ url: "http://other/x", headers: { a: "1", b: "3 4" }, intervalMs: 500 });
    expect(own.attributes).toEqual({ "service.name": "mine", env: "prod" });
    expect(
      metricsSettings({ OTEL_METRICS_EXPORTER: "statsd", OTEL_METRIC_EXPORT_INTERVAL: "x" }).warnings,
    ).toHaveLength(1);
  });
});
