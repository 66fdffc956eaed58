export { activeTrace, type TraceCarrier } from "./active-trace.ts";
export {
  Count,
  createMetrics,
  Histogram,
  Metrics,
  type MetricsOptions,
  type Observed,
  type Sample,
} from "./metrics.ts";
export { type MetricsServer, type MetricsServerOptions, type Readiness, startMetricsServer } from "./metrics-server.ts";
export { type MetricsSettings, type MetricsVariables, metricsSettings } from "./metrics-settings.ts";
export {
  LABEL_LIMITS,
  METRICS,
  type MetricName,
  type MetricOwner,
  type MetricRow,
} from "./metrics-table.ts";
export { noopTracer } from "./noop-tracer.ts";
export type { OtlpMetricsOptions } from "./otel-metrics.ts";
export { observeConnection, observeProcess, type WatchedConnection } from "./process-metrics.ts";
export type { AttributeData, Failure, SpanData } from "./span-data.ts";
export type { TraceVariables } from "./trace-settings.ts";
export { type OpenSpan, type SpanRequest, startTracing, type Tracing, type TracingOptions } from "./tracing.ts";
