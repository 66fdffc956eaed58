/** A tracer whose spans are children of one span, also where the active context was lost on the way. */
import { type Context, context, type Span, type SpanOptions, type Tracer, trace } from "@opentelemetry/api";

type Work = (span: Span) => unknown;

export class BoundTracer implements Tracer {
  readonly #tracer: Tracer;
  readonly #bound: Context;

  constructor(tracer: Tracer, bound: Context) {
    this.#tracer = tracer;
    this.#bound = bound;
  }

  startSpan(name: string, options: SpanOptions = {}, around: Context = this.#current()): Span {
    return this.#tracer.startSpan(name, options, around);
  }

  startActiveSpan<F extends Work>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const work = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const around = rest.length > 2 ? (rest[1] as Context) : this.#current();
    return this.#tracer.startActiveSpan(name, options, around, work);
  }

  /** The active context as long as it is one of the same trace: a child of a child nests. */
  #current(): Context {
    const active = context.active();
    const own = trace.getSpanContext(this.#bound)?.traceId;
    return trace.getSpanContext(active)?.traceId === own ? active : this.#bound;
  }
}
