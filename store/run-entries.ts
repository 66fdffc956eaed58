/**
 * One run's whole log in order, wherever its pieces lie: segments and record in the history, the rest in the hot log.
 * Asked again it goes on where it left off.
 *
 * E1. The hot log is read before the history: what is trimmed in between was in the history first, so nothing is missed.
 * E2. An entry comes once; what is in memory at a time is one piece of the history and what the hot log holds of the run.
 */

import type { HistoryRecord } from "./history-record.ts";
import type { LogEntry } from "./log-entry.ts";
import type { RunLog } from "./run-log.ts";

/** Lets one begin to read through the hot log when it is its turn; the signal tells it to end. */
export type ReadGate = <T>(read: (signal?: AbortSignal) => Promise<T>) => Promise<T>;

export class RunEntries {
  readonly #log: RunLog;
  readonly #gate: ReadGate;
  readonly #run: string;
  #lastSeq = 0;
  #lastPart = 0;
  #record: HistoryRecord | undefined;

  /** `gate`: default: it is always one's turn. */
  constructor(log: RunLog, run: string, gate: ReadGate = (read) => read()) {
    this.#log = log;
    this.#gate = gate;
    this.#run = run;
  }

  /** The run's record, once it was come across: the run has ended. */
  get record(): HistoryRecord | undefined {
    return this.#record;
  }

  /** What there is now and has not been given yet. To be read to its end before it is called again. */
  async *more(): AsyncGenerator<LogEntry> {
    if (this.#record) return;
    const { history } = this.#log;
    const known = this.#lastSeq || (await history.lastSeqOf(this.#run));
    const hot = await this.#gate(async (signal) => {
      const found: LogEntry[] = [];
      for await (const entry of this.#log.runEntries(this.#run, known === 0 ? {} : { fromSeq: known + 1 })) {
        signal?.throwIfAborted();
        found.push(entry);
      }
      return found;
    });
    for await (const { at, entries, record } of history.parts(this.#run, this.#lastPart)) {
      yield* this.#new(entries);
      this.#lastPart = at;
      this.#record = record ?? this.#record;
    }
    yield* this.#new(hot);
  }

  *#new(entries: Iterable<LogEntry>): Generator<LogEntry> {
    for (const entry of entries) {
      if (entry.seq <= this.#lastSeq) continue;
      this.#lastSeq = entry.seq;
      yield entry;
    }
  }
}
