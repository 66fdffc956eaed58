/** Tracing by OpenTelemetry's SDK. */
import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  type TraceState,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import type { TraceCarrier } from "./active-trace.ts";
import { type Registered, register } from "./otel-globals.ts";
import { exceptionOf, OtelSpan } from "./otel-span.ts";
import type { SpanData } from "./span-data.ts";
import { createExporter } from "./span-exporters.ts";
import { SpanOutbox } from "./span-outbox.ts";
import type { SamplerSetting, TraceSettings } from "./trace-settings.ts";
import type { OpenSpan, SpanRequest, Tracing, TracingOptions } from "./tracing.ts";
import type { WatchedExporter } from "./watched-exporter.ts";

const SCOPE = "rayflow";
/** Longest wait for a receiver whose last answer was none, ms. */
const FAILING_MS = 500;
const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

export class OtelTracing implements Tracing {
  readonly #exporter: WatchedExporter;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #sampler: Sampler;
  readonly #outbox: SpanOutbox;
  readonly #resource: Resource;
  readonly #scope: ReadableSpan["instrumentationScope"];
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #registered: Registered;
  /** Spans of work that goes on. */
  #open = 0;
  /** The receiver did not answer in time when it was last waited for. */
  #wasLate = false;
  #stopped: Promise<void> | undefined;

  constructor(settings: TraceSettings, options: TracingOptions) {
    const { logger, version } = options;
    const { delayMs, batchSize, maxQueued, timeoutMs } = settings;
    this.#exporter = createExporter(settings, logger, () => this.#rest());
    this.#resource = resourceOf(settings, options);
    this.#scope = { name: SCOPE, version };
    this.#sampler = samplerOf(settings.sampler);
    const follows = options.sampling === "parent";
    this.#provider = new BasicTracerProvider({
      resource: this.#resource,
      sampler: follows ? new ParentBasedSampler({ root: this.#sampler }) : this.#sampler,
      spanProcessors: [
        new BatchSpanProcessor(this.#exporter, {
          scheduledDelayMillis: delayMs,
          maxQueueSize: maxQueued,
          maxExportBatchSize: Math.min(batchSize, maxQueued),
          exportTimeoutMillis: timeoutMs,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer(SCOPE, version);
    let dropped = 0;
    this.#outbox = new SpanOutbox({
      exporter: this.#exporter,
      delayMs,
      batchSize,
      maxQueued,
      onDropped: (spans) => {
        if (dropped === 0) logger.warn({ spans }, "spans are made faster than they are exported: some traces are lost");
        dropped += spans;
      },
    });
    this.#registered = register(this.#provider, this.#propagator);
  }

  isSampled(traceId: string, parentSampled: boolean | undefined): boolean {
    const parent: SpanContext = {
      traceId,
      spanId: "1".repeat(16),
      traceFlags: parentSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      isRemote: true,
    };
    const around = parentSampled === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const { decision } = this.#sampler.shouldSample(around, traceId, "run_flow", SpanKind.CONSUMER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }

  send(spans: readonly SpanData[]): Promise<void> {
    const sent = this.#outbox.send(spans.map((span) => this.#readable(span)));
    // Nobody waits for a receiver that is not there.
    return this.#exporter.isFailing ? Promise.resolve() : sent;
  }

  open(request: SpanRequest): OpenSpan {
    const { name, kind, attributes = {}, parent, linkParent = false } = request;
    const around = parent === undefined ? context.active() : this.#extract(parent);
    const linked = linkParent ? trace.getSpanContext(around) : undefined;
    const span = this.#tracer.startSpan(
      name,
      { kind: kinds[kind], attributes: { ...attributes } as Attributes, links: linked ? [{ context: linked }] : [] },
      around,
    );
    this.#open++;
    return new OtelSpan(span, trace.setSpan(around, span), this.#tracer, () => {
      this.#open--;
      this.#rest();
    });
  }

  /**
   * While nothing is traced nobody asks for the active span: from the first time that there is one, Node follows every
   * promise of the process, of all runs, until it is told that it need not.
   */
  #rest(): void {
    if (this.#open === 0) this.#registered.rest();
  }

  async inSpan<T>(request: SpanRequest, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const span = this.open(request);
    try {
      return await span.within(() => work(span));
    } catch (error) {
      const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
      span.fail({ code: typeof code === "string" ? code : "Error", message: String(message ?? error) });
      throw error;
    } finally {
      span.end();
    }
  }

  async flush(timeoutMs: number): Promise<void> {
    await this.#flush(timeoutMs);
  }

  /** Whether all got out in time. A receiver that has not answered before is not waited for long. */
  async #flush(timeoutMs: number): Promise<boolean> {
    const isSlow = this.#exporter.isFailing || this.#wasLate;
    const longest = isSlow ? Math.min(timeoutMs, FAILING_MS) : timeoutMs;
    const inTime = await within(longest, Promise.all([this.#outbox.flush(), this.#provider.forceFlush()]));
    this.#wasLate = !inTime;
    return inTime;
  }

  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  async #stop(timeoutMs: number): Promise<void> {
    if (!(await this.#flush(timeoutMs))) this.#exporter.gaveUp(`no answer within ${timeoutMs} ms`);
    this.#registered.end();
    // All is out that gets out: what is left is a receiver that does not answer.
    await within(0, this.#provider.shutdown());
  }

  #extract(carrier: TraceCarrier): Context {
    return this.#propagator.extract(ROOT_CONTEXT, carrier, {
      keys: (from) => Object.keys(from),
      get: (from, key) => (key === "traceparent" || key === "tracestate" ? from[key] : undefined),
    });
  }

  #readable(span: SpanData): ReadableSpan {
    const { traceId, parentSpanId, tracestate, failure, startMs, endMs } = span;
    const traceState = tracestate === undefined ? undefined : createTraceState(tracestate);
    const own = contextOf(traceId, span.spanId, traceState);
    return {
      name: span.name,
      kind: kinds[span.kind],
      spanContext: () => own,
      ...(parentSpanId === undefined
        ? {}
        : { parentSpanContext: { ...contextOf(traceId, parentSpanId, traceState), isRemote: span.isParentRemote } }),
      startTime: hrTime(startMs),
      endTime: hrTime(endMs),
      duration: hrTime(endMs - startMs),
      status: failure ? { code: SpanStatusCode.ERROR, message: failure.message } : UNSET,
      attributes: span.attributes,
      links: [],
      events: failure
        ? [{ name: "exception", time: hrTime(endMs), attributes: exceptionOf(failure), droppedAttributesCount: 0 }]
        : [],
      ended: true,
      resource: this.#resource,
      instrumentationScope: this.#scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

const UNSET = { code: SpanStatusCode.UNSET };

function contextOf(traceId: string, spanId: string, traceState: TraceState | undefined): SpanContext {
  const made = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return traceState === undefined ? made : { ...made, traceState };
}

function resourceOf(settings: TraceSettings, { service, version, instance }: TracingOptions): Resource {
  const own = {
    "service.name": settings.serviceName ?? service,
    "service.version": version,
    ...(instance === undefined ? {} : { "service.instance.id": instance }),
  };
  return defaultResource().merge(resourceFromAttributes({ ...own, ...settings.resource }));
}

function samplerOf(setting: SamplerSetting): Sampler {
  const root =
    setting.type === "ratio"
      ? new TraceIdRatioBasedSampler(setting.ratio)
      : setting.type === "on"
        ? new AlwaysOnSampler()
        : new AlwaysOffSampler();
  return setting.parentBased ? new ParentBasedSampler({ root }) : root;
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const whole = Math.floor(ms / 1_000);
  return [whole, Math.round((ms - whole * 1_000) * 1e6)];
}

/** Whether the promise came to its end, also to a bad one, before the time was over. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(false), ms);
  });
  const ended = promise.then(yes, yes);
  const inTime = await Promise.race([ended, over]);
  clearTimeout(timer);
  return inTime;
}

const yes = (): boolean => true;
