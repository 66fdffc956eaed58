/** A fake RAYFLOW_LOG: one order of messages, some of them repeated, read by partition. */
import {
  type EndsMessage,
  type LogSubject,
  parseLogSubject,
  partitionOf,
  type ResultMessage,
  type RunMessage,
} from "../../nats/index.ts";
import type { LogReader, PartitionEntry } from "../../store/index.ts";
import type { Faults } from "./testing-faults.ts";
import { type Process, standIn, type VirtualTime } from "./testing-time.ts";

export const PARTITIONS = 2;

export interface Stored {
  readonly partition: number;
  readonly entry: PartitionEntry;
}

/** What a stream says of a stored message. */
export interface Ack {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

const WINDOW_MS = 120_000;

/** The ids that a stream has seen of late. */
export class SeenIds {
  readonly #time: VirtualTime;
  readonly #seen = new Map<string, { readonly seq: number; readonly at: number }>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** The sequence of the message that had this id, within the window. */
  find(id: string): number | undefined {
    const known = this.#seen.get(id);
    return known && this.#time.now - known.at < WINDOW_MS ? known.seq : undefined;
  }

  add(id: string, seq: number): void {
    this.#seen.set(id, { seq, at: this.#time.now });
  }

  clear(): void {
    this.#seen.clear();
  }
}

export class FakeLog {
  readonly stored: Stored[] = [];
  /** Readers with nothing to read. */
  readonly waiting: (() => void)[] = [];
  readonly #time: VirtualTime;
  readonly #faults: Faults;
  readonly #onStored: (stored: Stored) => void;
  readonly #ids: SeenIds;
  #lastSeq = 0;

  constructor(time: VirtualTime, faults: Faults, onStored: (stored: Stored) => void) {
    this.#time = time;
    this.#faults = faults;
    this.#onStored = onStored;
    this.#ids = new SeenIds(time);
  }

  /** Messages below are gone. */
  firstSeq = 1;

  get lastSeq(): number {
    return this.#lastSeq;
  }

  store(subject: string, data: Uint8Array, msgID: string): Ack {
    const known = this.#ids.find(msgID);
    const from = parseLogSubject(subject);
    if (!from || (from.kind === "result" && from.partition === "many")) {
      throw new Error(`not a subject of one partition's log: ${subject}`);
    }
    const message: unknown = freeze(JSON.parse(Buffer.from(data).toString()));
    const isSubmission = (message as RunMessage).kind === "submitted";
    // A run that is submitted anew after it has ended is another matter than a repetition within the run.
    if (known !== undefined && (isSubmission || !this.#faults.strikes("forgetId"))) {
      return { stream: "RAYFLOW_LOG", seq: known, duplicate: true };
    }
    // Sequences have gaps: other partitions, other messages.
    this.#lastSeq += 1 + this.#time.below(3);
    const at = { seq: this.#lastSeq, timeMs: this.#time.now };
    this.#ids.add(msgID, this.#lastSeq);
    for (const stored of entriesOf(from, message, at)) {
      this.stored.push(stored);
      this.#onStored(stored);
    }
    for (const wake of this.waiting.splice(0)) wake();
    return { stream: "RAYFLOW_LOG", seq: this.#lastSeq, duplicate: false };
  }

  /** What the service knows of a `LogReader`, with deliveries in order and at times of their own. */
  read(process: Process, partition: number, fromSeq: number): LogReader {
    return standIn<LogReader>(new FakeReader(this, this.#time, process, partition, fromSeq));
  }
}

/** What a message is to the partitions that it concerns. */
function entriesOf(from: LogSubject, message: unknown, at: { seq: number; timeMs: number }): Stored[] {
  if (from.kind === "run") {
    return [{ partition: from.partition, entry: { ...at, kind: "run", message: message as RunMessage } }];
  }
  if (from.kind === "result") {
    return [{ partition: Number(from.partition), entry: { ...at, kind: "result", message: message as ResultMessage } }];
  }
  const { results } = message as EndsMessage;
  const partitions = new Set(results.map(({ run_id }) => partitionOf(run_id, PARTITIONS)));
  return [...partitions].map((partition) => {
    const own = results.filter(({ run_id }) => partitionOf(run_id, PARTITIONS) === partition);
    return { partition, entry: { ...at, kind: "ends", results: own } };
  });
}

class FakeReader implements AsyncIterable<PartitionEntry> {
  readonly untilCaughtUp: Promise<void>;
  readonly #log: FakeLog;
  readonly #time: VirtualTime;
  readonly #process: Process;
  readonly #partition: number;
  #position = 0;
  #backlogEnd: number;
  #caughtUp = false;
  #arrive: () => void = () => {};
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(log: FakeLog, time: VirtualTime, process: Process, partition: number, fromSeq: number) {
    this.#log = log;
    this.#time = time;
    this.#process = process;
    this.#partition = partition;
    const from = Math.max(fromSeq, log.firstSeq);
    while ((log.stored[this.#position]?.entry.seq ?? from) < from) this.#position++;
    this.#backlogEnd = log.stored.findLastIndex((stored, at) => stored.partition === partition && at >= this.#position);
    this.untilCaughtUp = new Promise((done) => {
      this.#arrive = done;
    });
    if (this.#backlogEnd < 0) this.#markCaughtUp();
  }

  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PartitionEntry> {
    while (!this.#stopped) {
      await this.#pause();
      // What a client has prefetched comes in one turn.
      for (let batch = 1 + this.#time.below(4); batch > 0 && !this.#stopped; batch--) {
        const at = this.#next();
        const stored = at === undefined ? undefined : this.#log.stored[at];
        if (!stored || at === undefined) break;
        this.#position = at + 1;
        const last = !this.#caughtUp && at >= this.#backlogEnd;
        if (last) this.#caughtUp = true;
        yield stored.entry;
        if (last) this.#markCaughtUp();
      }
    }
  }

  /** Once it has caught up, what is there may be taken in one turn. */
  takeNow(): PartitionEntry | undefined {
    if (!this.#caughtUp || this.#stopped || this.#time.below(2) === 0) return undefined;
    const at = this.#next();
    if (at === undefined) return undefined;
    this.#position = at + 1;
    return this.#log.stored[at]?.entry;
  }

  /** Whether all that there is has been taken from the iterator. */
  isDrained(): Promise<boolean> {
    const ask = new Promise<void>((done) => this.#process.later(1 + this.#time.below(4), done));
    return ask.then(() => !this.#stopped && this.#caughtUp && this.#next() === undefined);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    return Promise.resolve();
  }

  #next(): number | undefined {
    for (let at = this.#position; at < this.#log.stored.length; at++) {
      // What has been trimmed since it was opened was on its way to it already.
      if (this.#log.stored[at]?.partition === this.#partition) return at;
    }
    this.#position = this.#log.stored.length;
    return undefined;
  }

  #markCaughtUp(): void {
    this.#caughtUp = true;
    this.#arrive();
  }

  #pause(): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
      const soon = (): void => this.#process.later(1 + this.#time.below(6), done);
      if (this.#next() !== undefined) soon();
      else this.#log.waiting.push(soon);
    });
  }
}

/** Messages are shared by all who read them: nobody may write into them. */
function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
