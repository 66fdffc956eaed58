/** A span around work that goes on, by OpenTelemetry's SDK. */
import { type Attributes, type Context, context, type Span, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { BoundTracer } from "./bound-tracer.ts";
import type { AttributeData, Failure } from "./span-data.ts";
import type { OpenSpan } from "./tracing.ts";

export class OtelSpan implements OpenSpan {
  readonly tracer: Tracer;
  readonly #span: Span;
  readonly #context: Context;
  #onEnd: (() => void) | undefined;

  constructor(span: Span, around: Context, tracer: Tracer, onEnd: () => void) {
    this.#span = span;
    this.#context = around;
    this.#onEnd = onEnd;
    this.tracer = new BoundTracer(tracer, around);
  }

  within<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  set(attributes: Readonly<Record<string, AttributeData>>): void {
    this.#span.setAttributes({ ...attributes } as Attributes);
  }

  fail(failure: Failure): void {
    this.#span.setAttribute("error.type", failure.code);
    this.#span.addEvent("exception", exceptionOf(failure));
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
  }

  end(): void {
    this.#span.end();
    this.#onEnd?.();
    this.#onEnd = undefined;
  }
}

/** What the event `exception` says of a failure. */
export function exceptionOf({ code, message }: Failure): Attributes {
  return { "exception.type": code, "exception.message": message };
}
