/** What the OTEL_* variables ask for where metrics are concerned. */
import type { OtlpMetricsOptions } from "./otel-metrics.ts";
import { pairs } from "./trace-settings.ts";

/** The variables, as the environment has them. */
export interface MetricsVariables {
  readonly OTEL_SDK_DISABLED?: string | undefined;
  readonly OTEL_SERVICE_NAME?: string | undefined;
  readonly OTEL_RESOURCE_ATTRIBUTES?: string | undefined;
  readonly OTEL_METRICS_EXPORTER?: string | undefined;
  readonly OTEL_METRIC_EXPORT_INTERVAL?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_METRICS_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_METRICS_HEADERS?: string | undefined;
}

export interface MetricsSettings {
  /** Undefined: nobody asked for metrics by OTLP. */
  readonly otlp: OtlpMetricsOptions | undefined;
  /** Attributes of the process, `service.name` among them if one was given. */
  readonly attributes: Readonly<Record<string, string>>;
  /** What was asked for and is not there, for a person to read. */
  readonly warnings: readonly string[];
}

const DEFAULT_ENDPOINT = "http://localhost:4318";

export function metricsSettings(variables: MetricsVariables): MetricsSettings {
  const warnings: string[] = [];
  const name = variables.OTEL_SERVICE_NAME;
  const attributes = {
    ...pairs(variables.OTEL_RESOURCE_ATTRIBUTES, warnings),
    ...(name === undefined ? {} : { "service.name": name }),
  };
  const otlp = isAskedFor(variables, warnings) ? otlpOptions(variables, warnings) : undefined;
  return { otlp, attributes, warnings };
}

/** Unlike traces, metrics are sent only to whoever says so: most read them at `/metrics`. */
function isAskedFor({ OTEL_SDK_DISABLED, OTEL_METRICS_EXPORTER }: MetricsVariables, warnings: string[]): boolean {
  if (OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  const names = (OTEL_METRICS_EXPORTER ?? "").split(",").map((one) => one.trim());
  for (const name of names) {
    // `/metrics` is what serves Prometheus, whatever this says.
    if (["", "none", "otlp", "prometheus"].includes(name)) continue;
    warnings.push(`OTEL_METRICS_EXPORTER: otlp, prometheus or none, not ${name}`);
  }
  return names.includes("otlp");
}

function otlpOptions(variables: MetricsVariables, warnings: string[]): OtlpMetricsOptions {
  const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_ENDPOINT;
  return {
    // For one signal the address is whole; for all it is where their paths begin.
    url: variables.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? `${base.replace(/\/+$/, "")}/v1/metrics`,
    headers: {
      ...pairs(variables.OTEL_EXPORTER_OTLP_HEADERS, warnings),
      ...pairs(variables.OTEL_EXPORTER_OTLP_METRICS_HEADERS, warnings),
    },
    intervalMs: intervalOf(variables.OTEL_METRIC_EXPORT_INTERVAL, warnings),
  };
}

function intervalOf(text: string | undefined, warnings: string[]): number | undefined {
  if (text === undefined) return undefined;
  const ms = Number(text);
  if (Number.isInteger(ms) && ms >= 100) return ms;
  warnings.push(`OTEL_METRIC_EXPORT_INTERVAL: a whole number of ms, 100 or more, is wanted, not ${text}`);
  return undefined;
}
