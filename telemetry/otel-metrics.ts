/** The bridge to OpenTelemetry: loaded when somebody reads the metrics, not before. */
import { metrics as api, type HrTime, ValueType } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  MetricReader,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { Metrics, Sample } from "./metrics.ts";
import { METRICS, type MetricName, type MetricRow } from "./metrics-table.ts";

export interface OtlpMetricsOptions {
  /** Where OTLP over HTTP is taken, path and all. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often, ms. Default 60 000. */
  readonly intervalMs?: number | undefined;
}

export interface MetricsReader {
  /** As Prometheus reads it. */
  render(): Promise<string>;
  stop(): Promise<void>;
}

const DEFAULT_INTERVAL_MS = 60_000;
const LONGEST_EXPORT_MS = 30_000;
const COLLECT_MS = 5_000;
const SCOPE = { name: "rayflow" };

export async function openReader(metrics: Metrics): Promise<MetricsReader> {
  const { service, version = "0.0.0", attributes, otlp } = metrics.options;
  const resource = resourceFromAttributes({
    "service.name": `rayflow-${service}`,
    "service.version": version,
    ...attributes,
  });
  const onDemand = new OnDemandReader({ metricProducers: [producerOf(resource, () => metrics.collect())] });
  const own = producerOf(resource, () => metrics.collect({ own: true }));
  const sender = otlp === undefined ? [] : [await senderTo(otlp, own)];
  const provider = new MeterProvider({ resource, readers: [onDemand, ...sender] });
  // What node code and libraries count with OpenTelemetry's own meters is read with the rest.
  const isGlobal = api.setGlobalMeterProvider(provider);
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return {
    render: async () => serializer.serialize((await onDemand.collect({ timeoutMillis: COLLECT_MS })).resourceMetrics),
    stop: async () => {
      if (isGlobal) api.disable();
      await provider.shutdown();
    },
  };
}

/** Reads when it is asked to. */
class OnDemandReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

async function senderTo(otlp: OtlpMetricsOptions, producer: MetricProducer): Promise<MetricReader> {
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  const { url, headers, intervalMs = DEFAULT_INTERVAL_MS } = otlp;
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url, headers: { ...headers } }),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, LONGEST_EXPORT_MS),
    metricProducers: [producer],
  });
}

/** What OpenTelemetry asks for our numbers: its own histograms take each value one by one, ours are counted already. */
function producerOf(resource: Resource, read: () => Promise<Sample[]>): MetricProducer {
  const startTime = hrTime(Date.now());
  return {
    collect: async (): Promise<CollectionResult> => {
      const endTime = hrTime(Date.now());
      const byName = new Map<MetricName, Sample[]>();
      for (const sample of await read()) {
        const samples = byName.get(sample.name);
        if (samples) samples.push(sample);
        else byName.set(sample.name, [sample]);
      }
      const data = [...byName].map(([name, samples]) => metricData(name, samples, { startTime, endTime }));
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics: data }] }, errors: [] };
    },
  };
}

interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function metricData(name: MetricName, samples: readonly Sample[], span: Span): MetricData {
  const row: MetricRow = METRICS[name];
  const base = {
    descriptor: { name, description: row.help, unit: row.unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const attributesOf = ({ labels }: Sample) =>
    Object.fromEntries(labels.map((value, at) => [row.labels[at] ?? "", value]));
  if (row.kind === "histogram") {
    const dataPoints = samples.flatMap((sample) => {
      if (!("counts" in sample)) return [];
      const { counts, sum } = sample;
      const count = counts.reduce((all, one) => all + one, 0);
      const buckets = { boundaries: [...(row.bounds ?? [])], counts: [...counts] };
      return [{ ...span, attributes: attributesOf(sample), value: { buckets, sum, count } }];
    });
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = samples.flatMap((sample): DataPoint<number>[] =>
    "value" in sample ? [{ ...span, attributes: attributesOf(sample), value: sample.value }] : [],
  );
  if (row.kind === "gauge") return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}
