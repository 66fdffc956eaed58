/** An exporter that says once that it fails, and once that it works again. */
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { TraceLogger } from "./tracing.ts";

export class WatchedExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #where: string;
  readonly #logger: TraceLogger;
  readonly #onExported: () => void;
  #failing = false;

  /** `where`: for people. */
  constructor(
    inner: SpanExporter,
    where: string,
    { logger, onExported }: { readonly logger: TraceLogger; readonly onExported: () => void },
  ) {
    this.#inner = inner;
    this.#where = where;
    this.#logger = logger;
    this.#onExported = onExported;
  }

  /** Whether the last export failed. */
  get isFailing(): boolean {
    return this.#failing;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#inner.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) this.#works();
      else this.gaveUp(result.error?.message);
      done(result);
      this.#onExported();
    });
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  /** Spans were lost. */
  gaveUp(reason: string | undefined): void {
    if (this.#failing) return;
    this.#failing = true;
    const fields = { to: this.#where, reason };
    this.#logger.warn(
      fields,
      "traces cannot be exported: they are lost until the receiver answers; runs are not touched",
    );
  }

  #works(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#logger.info({ to: this.#where }, "traces are exported again");
  }
}
