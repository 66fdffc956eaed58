/**
 * Traces of a process: where its spans go, what is sampled, and spans around its own work. What is behind it is loaded
 * when traces are wanted, and only then.
 */
import type { Tracer } from "@opentelemetry/api";
import type { TraceCarrier } from "./active-trace.ts";
import type { AttributeData, Failure, SpanData, SpanDataKind } from "./span-data.ts";
import { type TraceVariables, traceSettings } from "./trace-settings.ts";

export interface TraceLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface TracingOptions {
  /** `service.name`, when the variables give none. */
  readonly service: string;
  readonly version: string;
  readonly variables: TraceVariables;
  readonly logger: TraceLogger;
  /** `service.instance.id`. Default: none. */
  readonly instance?: string | undefined;
  /**
   * Who says what is sampled: this process by its settings, or whoever opened the trace. Default: `settings`. An actor
   * follows: the run was sampled where it was taken in.
   */
  readonly sampling?: "settings" | "parent";
}

export interface SpanRequest {
  readonly name: string;
  readonly kind: SpanDataKind;
  readonly attributes?: Readonly<Record<string, AttributeData>>;
  /** What it continues. Default: the active span. */
  readonly parent?: TraceCarrier | undefined;
  /** Also names the parent in a link, as messaging spans do. Default false. */
  readonly linkParent?: boolean;
}

/** A span around work that goes on. */
export interface OpenSpan {
  /** Opens children of it, wherever it is called. */
  readonly tracer: Tracer;
  /** Calls work with the span as the active one, for itself and all that it waits for. */
  within<T>(work: () => T): T;
  set(attributes: Readonly<Record<string, AttributeData>>): void;
  fail(failure: Failure): void;
  end(): void;
}

export interface Tracing {
  /** Whether a trace is taken; `parentSampled`: what the one who opened it decided, undefined: nobody did. */
  isSampled(traceId: string, parentSampled: boolean | undefined): boolean;
  /** Exports spans that are over. Resolves when they are, or are given up; never rejects. */
  send(spans: readonly SpanData[]): Promise<void>;
  open(request: SpanRequest): OpenSpan;
  /** Work in a span of its own; what it throws fails the span. */
  inSpan<T>(request: SpanRequest, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** Exports what there is, for so long at most, ms. Never rejects. */
  flush(timeoutMs: number): Promise<void>;
  /** The same, and takes no more. */
  stop(timeoutMs: number): Promise<void>;
}

/** Undefined when nobody asked for traces. */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const settings = traceSettings(options.variables);
  if (settings === undefined) return undefined;
  for (const warning of settings.warnings) options.logger.warn({}, warning);
  const { OtelTracing } = await import("./otel-tracing.ts");
  return new OtelTracing(settings, options);
}
