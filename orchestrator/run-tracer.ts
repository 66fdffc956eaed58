/**
 * Exports the spans of traced runs: when they end, and what has ended of long ones each time that they are written down.
 *
 * T1. A recovery needs the messages of an ended run until its spans are exported or given up (`replayFrom`), so the crash
 *     of an orchestrator loses none.
 * T2. A run waits for nothing here: it has been told of before.
 */
import type { Tracing } from "../telemetry/index.ts";
import type { Run } from "./run/fold.ts";
import { spansOfRun } from "./run-spans.ts";

/** What is on its way of one run. */
interface Sending {
  /** The first message that a recovery would need to make it again. */
  readonly baseSeq: number;
  /** The message that ended the run. */
  readonly endSeq: number;
  readonly done: Promise<void>;
}

export class RunTracer {
  readonly #tracing: Tracing;
  readonly #sending = new Map<string, Sending>();
  readonly #exportedBefore: number;

  /** `exportedBefore`: the ends of runs before this message were exported by whoever had the partition. */
  constructor(tracing: Tracing, exportedBefore: number) {
    this.#tracing = tracing;
    this.#exportedBefore = exportedBefore;
  }

  /** No message from here on may be forgotten; Infinity: none is needed. */
  get neededFrom(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { baseSeq } of this.#sending.values()) lowest = Math.min(lowest, baseSeq);
    return lowest;
  }

  /** The ends of runs before this message are exported; Infinity: all that were seen. */
  get exportedBefore(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { endSeq } of this.#sending.values()) lowest = Math.min(lowest, endSeq);
    return lowest;
  }

  /** A run has ended. Again: does nothing. */
  ended(run: Run, version: string | undefined, baseSeq: number, endSeq: number): void {
    const records = run.takeSpans();
    if (records.length === 0 || endSeq < this.#exportedBefore) return;
    const spans = spansOfRun({ ...run.details, version }, records);
    const done = this.#tracing.send(spans).then(() => {
      this.#sending.delete(run.id);
    });
    this.#sending.set(run.id, { baseSeq, endSeq, done });
  }

  /** Resolves when the spans of a run that has ended are exported or given up; undefined: they are. */
  sent(run: string): Promise<void> | undefined {
    return this.#sending.get(run)?.done;
  }

  /** What has ended of a run that goes on; resolves when a snapshot may leave it out. */
  partOf(run: Run, version: string | undefined): Promise<void> | undefined {
    const records = run.takeSpans();
    if (records.length === 0) return undefined;
    return this.#tracing.send(spansOfRun({ ...run.details, version }, records));
  }

  /** Exports what waits, for so long at most, ms. */
  flush(timeoutMs: number): Promise<void> {
    return this.#sending.size === 0 ? Promise.resolve() : this.#tracing.flush(timeoutMs);
  }
}
