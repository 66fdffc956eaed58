/** Where spans go: OTLP over HTTP, and, for a look at them, stderr. */
import { type ExportResult, ExportResultCode, hrTimeToMicroseconds } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { TraceSettings } from "./trace-settings.ts";
import type { TraceLogger } from "./tracing.ts";
import { WatchedExporter } from "./watched-exporter.ts";

/** `onExported`: called when an export has ended, well or badly. */
export function createExporter(
  settings: TraceSettings,
  logger: TraceLogger,
  onExported: () => void = () => {},
): WatchedExporter {
  const { exporters, url, headers, timeoutMs } = settings;
  const made = exporters.map((name) =>
    name === "otlp" ? new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs }) : onStderr,
  );
  const [first] = made;
  const inner = made.length === 1 && first ? first : new ToAll(made);
  return new WatchedExporter(inner, exporters.includes("otlp") ? url : "the console", { logger, onExported });
}

/** A span a line, as JSON; stdout is for data. */
const onStderr: SpanExporter = {
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    for (const span of spans) process.stderr.write(`${JSON.stringify(lineOf(span))}\n`);
    done({ code: ExportResultCode.SUCCESS });
  },
  shutdown: () => Promise.resolve(),
};

function lineOf(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext();
  return {
    span: span.name,
    trace_id: traceId,
    span_id: spanId,
    parent_id: span.parentSpanContext?.spanId,
    start: new Date(hrTimeToMicroseconds(span.startTime) / 1_000).toISOString(),
    duration_ms: hrTimeToMicroseconds(span.duration) / 1_000,
    attributes: span.attributes,
    ...(span.status.message === undefined ? {} : { error: span.status.message }),
  };
}

/** Several exporters as one: it has succeeded when all have. */
class ToAll implements SpanExporter {
  readonly #exporters: readonly SpanExporter[];

  constructor(exporters: readonly SpanExporter[]) {
    this.#exporters = exporters;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    let open = this.#exporters.length;
    let worst: ExportResult = { code: ExportResultCode.SUCCESS };
    for (const exporter of this.#exporters) {
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) worst = result;
        if (--open === 0) done(worst);
      });
    }
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#exporters.map((exporter) => exporter.shutdown()));
  }
}
