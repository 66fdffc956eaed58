/** What the OTEL_* variables ask for where traces are concerned, as OpenTelemetry's specification has them. */

/** The variables, as the environment has them. */
export interface TraceVariables {
  readonly OTEL_SDK_DISABLED?: string | undefined;
  readonly OTEL_SERVICE_NAME?: string | undefined;
  readonly OTEL_RESOURCE_ATTRIBUTES?: string | undefined;
  readonly OTEL_TRACES_EXPORTER?: string | undefined;
  readonly OTEL_TRACES_SAMPLER?: string | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_HEADERS?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_PROTOCOL?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TIMEOUT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_TIMEOUT?: string | undefined;
  readonly OTEL_BSP_SCHEDULE_DELAY?: string | undefined;
  readonly OTEL_BSP_MAX_QUEUE_SIZE?: string | undefined;
  readonly OTEL_BSP_MAX_EXPORT_BATCH_SIZE?: string | undefined;
}

export type TraceExporterName = "otlp" | "console";

export type SamplerSetting =
  | { readonly type: "on" | "off"; readonly parentBased: boolean }
  | { readonly type: "ratio"; readonly ratio: number; readonly parentBased: boolean };

export interface TraceSettings {
  readonly exporters: readonly TraceExporterName[];
  /** Where OTLP goes: the whole address. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest time for one export, retries and all, ms. */
  readonly timeoutMs: number;
  readonly sampler: SamplerSetting;
  /** Undefined: the process says. */
  readonly serviceName: string | undefined;
  readonly resource: Readonly<Record<string, string>>;
  /** How long spans may wait for others to be exported with, ms. */
  readonly delayMs: number;
  /** Spans that may wait; what comes then is dropped. */
  readonly maxQueued: number;
  readonly batchSize: number;
  /** What was asked for and is not there, for a person to read. */
  readonly warnings: readonly string[];
}

const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_TIMEOUT_MS = 10_000;
/** Sooner than the specification's five seconds: whoever looks at a trace has just run it. */
const DEFAULT_DELAY_MS = 1_000;
/** A busy process makes thousands of spans a second. */
const DEFAULT_MAX_QUEUED = 32_768;
const DEFAULT_BATCH_SIZE = 512;
const PROTOCOL = "http/protobuf";

/** Undefined: nobody asked for traces. */
export function traceSettings(variables: TraceVariables): TraceSettings | undefined {
  if (variables.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const warnings: string[] = [];
  const exporters = exportersOf(variables, warnings);
  if (exporters.length === 0) return undefined;
  const protocol = variables.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? variables.OTEL_EXPORTER_OTLP_PROTOCOL ?? PROTOCOL;
  if (protocol !== PROTOCOL && exporters.includes("otlp")) {
    warnings.push(`OTLP goes out as ${PROTOCOL}, not as ${protocol}: the receiver's HTTP port is wanted (4318)`);
  }
  const number = (name: keyof TraceVariables, usual: number): number => wholeNumber(variables, name, usual, warnings);
  const timeoutMs = number("OTEL_EXPORTER_OTLP_TIMEOUT", DEFAULT_TIMEOUT_MS);
  const { "service.name": named, ...resource } = pairs(variables.OTEL_RESOURCE_ATTRIBUTES, warnings);
  return {
    exporters,
    url: urlOf(variables),
    headers: {
      ...pairs(variables.OTEL_EXPORTER_OTLP_HEADERS, warnings),
      ...pairs(variables.OTEL_EXPORTER_OTLP_TRACES_HEADERS, warnings),
    },
    timeoutMs: number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", timeoutMs),
    sampler: samplerOf(variables, warnings),
    serviceName: variables.OTEL_SERVICE_NAME ?? named,
    resource,
    delayMs: number("OTEL_BSP_SCHEDULE_DELAY", DEFAULT_DELAY_MS),
    maxQueued: Math.max(1, number("OTEL_BSP_MAX_QUEUE_SIZE", DEFAULT_MAX_QUEUED)),
    batchSize: Math.max(1, number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", DEFAULT_BATCH_SIZE)),
    warnings,
  };
}

/** An endpoint alone is enough to ask for traces. */
function exportersOf(variables: TraceVariables, warnings: string[]): TraceExporterName[] {
  const { OTEL_TRACES_EXPORTER: asked } = variables;
  const isNamed =
    variables.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined || variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  if (asked === undefined) return isNamed ? ["otlp"] : [];
  const exporters = new Set<TraceExporterName>();
  for (const name of asked.split(",").map((one) => one.trim())) {
    if (name === "otlp" || name === "console") exporters.add(name);
    else if (name !== "none" && name !== "") warnings.push(`OTEL_TRACES_EXPORTER: otlp, console or none, not ${name}`);
  }
  return [...exporters];
}

/** For one signal the address is whole; for all it is where their paths begin. */
function urlOf(variables: TraceVariables): string {
  const own = variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (own !== undefined) return own;
  const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_ENDPOINT;
  return `${base.replace(/\/+$/, "")}/v1/traces`;
}

function samplerOf(variables: TraceVariables, warnings: string[]): SamplerSetting {
  const name = variables.OTEL_TRACES_SAMPLER ?? "parentbased_always_on";
  const parentBased = name.startsWith("parentbased_");
  switch (parentBased ? name.slice("parentbased_".length) : name) {
    case "always_on":
      return { type: "on", parentBased };
    case "always_off":
      return { type: "off", parentBased };
    case "traceidratio":
      return { type: "ratio", ratio: ratioOf(variables.OTEL_TRACES_SAMPLER_ARG, warnings), parentBased };
    default:
      warnings.push(`OTEL_TRACES_SAMPLER: there is no sampler ${name}; every trace is taken`);
      return { type: "on", parentBased: true };
  }
}

function ratioOf(text: string | undefined, warnings: string[]): number {
  const ratio = Number(text ?? 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warnings.push(`OTEL_TRACES_SAMPLER_ARG: a number from 0 to 1 is wanted, not ${text}; every trace is taken`);
  return 1;
}

function wholeNumber(variables: TraceVariables, name: keyof TraceVariables, usual: number, warnings: string[]): number {
  const text = variables[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  warnings.push(`${name}: a whole number is wanted, not ${text}; it is ${usual}`);
  return usual;
}

/** `key=value,key=value`, percent-encoded. */
export function pairs(text: string | undefined, warnings: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (text ?? "").split(",")) {
    const at = pair.indexOf("=");
    if (at <= 0) continue;
    try {
      found[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      // The value may be a secret: the key alone is told.
      warnings.push(`the value of ${pair.slice(0, at).trim()} is no percent-encoded text: it is left out`);
    }
  }
  return found;
}
