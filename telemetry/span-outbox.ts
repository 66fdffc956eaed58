/**
 * Spans on their way out that were made as data. Unlike a tracer's, whoever hands them in hears when they are exported:
 * the orchestrator lets go of a run's log only then.
 *
 * X1. What is handed in is exported, or given up when its export failed; either way the caller hears of it.
 * X2. At most `maxQueued` spans wait; of what comes then nothing is kept, so that a trace is missing rather than torn.
 */
import { ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";

export interface SpanOutboxOptions {
  readonly exporter: SpanExporter;
  /** How long spans wait for others, ms. */
  readonly delayMs: number;
  readonly batchSize: number;
  readonly maxQueued: number;
  /** So many spans found no room. */
  readonly onDropped: (spans: number) => void;
}

interface Parcel {
  readonly spans: readonly ReadableSpan[];
  /** How many of them are exported or given up. */
  settled: number;
  readonly done: () => void;
}

/** Exports at once: one waits for the network while another is packed. */
const MAX_OPEN = 4;

export class SpanOutbox {
  readonly #options: SpanOutboxOptions;
  #waiting: { readonly span: ReadableSpan; readonly parcel: Parcel }[] = [];
  #open = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];

  constructor(options: SpanOutboxOptions) {
    this.#options = options;
  }

  /** Spans that are not exported yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves when they are exported or given up; never rejects. */
  send(spans: readonly ReadableSpan[]): Promise<void> {
    const { maxQueued, batchSize, delayMs, onDropped } = this.#options;
    if (spans.length === 0) return Promise.resolve();
    // One trace may be larger than the queue: it goes when nothing else waits.
    if (this.#waiting.length > 0 && this.#waiting.length + spans.length > maxQueued) {
      onDropped(spans.length);
      return Promise.resolve();
    }
    return new Promise((done) => {
      const parcel: Parcel = { spans, settled: 0, done };
      for (const span of spans) this.#waiting.push({ span, parcel });
      if (this.#waiting.length >= batchSize) this.#next();
      else {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#drain();
        }, delayMs).unref();
      }
    });
  }

  /** Exports what waits without waiting for more; resolves when all is exported or given up. */
  flush(): Promise<void> {
    this.#drain();
    if (this.#open === 0) return Promise.resolve();
    return new Promise((done) => this.#idle.push(done));
  }

  /** Whole batches, as long as there are any. */
  #next(): void {
    while (this.#open < MAX_OPEN && this.#waiting.length >= this.#options.batchSize) this.#export();
  }

  /** All that waits, also in a batch that is not full. */
  #drain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#open < MAX_OPEN && this.#waiting.length > 0) this.#export();
  }

  #export(): void {
    const batch = this.#waiting.splice(0, this.#options.batchSize);
    this.#open++;
    this.#options.exporter.export(
      batch.map(({ span }) => span),
      ({ code }) => {
        this.#open--;
        for (const { parcel } of batch) if (++parcel.settled === parcel.spans.length) parcel.done();
        // While nothing gets through, what waits goes with the next timer, not one after the other.
        if (code === ExportResultCode.SUCCESS || this.#idle.length > 0) this.#drain();
        else this.#next();
        if (this.#open === 0) for (const done of this.#idle.splice(0)) done();
      },
    );
  }
}
