/** The trace that the calling code is in, if the program uses OpenTelemetry at all. */

/** Trace context on its way: the headers of W3C Trace Context. */
export interface TraceCarrier {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** Where every copy of the API keeps what is registered: when nothing is there, nobody traces. */
const API = Symbol.for("opentelemetry.js.api.1");

/** What a message should carry so that what follows from it belongs to the active span; undefined: there is none. */
export async function activeTrace(): Promise<TraceCarrier | undefined> {
  if ((globalThis as { [API]?: unknown })[API] === undefined) return undefined;
  const { context, isSpanContextValid, trace } = await import("@opentelemetry/api");
  const active = trace.getSpanContext(context.active());
  if (!active || !isSpanContextValid(active)) return undefined;
  const flags = active.traceFlags.toString(16).padStart(2, "0");
  const tracestate = active.traceState?.serialize();
  return {
    traceparent: `00-${active.traceId}-${active.spanId}-${flags}`,
    ...(tracestate ? { tracestate } : {}),
  };
}
