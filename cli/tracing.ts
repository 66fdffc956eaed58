/** Traces of the processes that the CLI runs, as the OTEL_* variables ask for them. */
import type { TraceCarrier, Tracing } from "../telemetry/index.ts";
import type { Environment } from "./environment.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./package-info.ts";

export interface TraceOptions {
  /** `service.name`, when the variables give none. */
  readonly service: string;
  readonly environment: Environment;
  readonly logger: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Default: what is sampled is decided here. */
  readonly sampling?: "settings" | "parent";
  readonly instance?: string;
  /** How long the last spans may take to be exported, ms. Default 5 000. */
  readonly lastSpansMs?: number;
}

export interface OpenTracing extends AsyncDisposable {
  /** Undefined: nobody asked for traces. */
  readonly tracing: Tracing | undefined;
}

const LAST_SPANS_MS = 5_000;
/** For a command that a person waits for. */
export const BRIEF_MS = 1_000;

/** Its end exports what there is: dispose of it after what it traces. */
export async function openTracing(options: TraceOptions): Promise<OpenTracing> {
  const { environment, lastSpansMs = LAST_SPANS_MS, ...rest } = options;
  const { OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = environment;
  const asked = OTEL_TRACES_EXPORTER ?? OTEL_EXPORTER_OTLP_ENDPOINT ?? OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (asked === undefined) return { tracing: undefined, [Symbol.asyncDispose]: async () => {} };
  const { startTracing } = await import("../telemetry/index.ts");
  const tracing = await startTracing({ ...rest, version: packageVersion(), variables: environment });
  return { tracing, [Symbol.asyncDispose]: async () => tracing?.stop(lastSpansMs) };
}

/** For commands that a person watches: a line aside in place of a log. */
export function noteLogger(output: Output): TraceOptions["logger"] {
  return { info: () => {}, warn: (_fields, message) => output.note(`warning: ${message}`) };
}

/** The trace that this command is a part of, if somebody says so. */
export function outerTrace({ TRACEPARENT, TRACESTATE }: Environment): TraceCarrier {
  return { traceparent: TRACEPARENT, tracestate: TRACESTATE };
}
