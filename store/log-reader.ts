/**
 * Reads one partition of the log, in order, for as long as it is wanted: by a consumer of its own until it has caught
 * up, then from the feed that it shares with the other partitions of this process.
 *
 * L1. Entries come in the order of their sequences, each once, also over reconnects and restarts of the server.
 * L2. A message that holds no entry is counted and passed over.
 * L3. Reading ends when `stop` is called or the connection is closed, and for no other reason.
 * L4. A bounded number of messages wait in this process: who iterates slowly is not flooded.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type RefusalCounter, STREAMS } from "../nats/index.ts";
import { type BlueprintStore, blueprintsOn } from "./blueprint-store.ts";
import {
  decodeLogEntry,
  ofPartition,
  type PartitionEntry,
  type ResultGuard,
  type StoredPartitionEntry,
  timeOf,
  toLogEntry,
} from "./log-entry.ts";
import { type FeedMember, type LogFeed, subjectsOf } from "./log-feed.ts";

const PREFETCH = 512;
/** The server's sign of life while there is nothing to read; two missed ones, and the consumer is made anew. */
const IDLE_HEARTBEAT_MS = 2_000;
const MAX_BACKOFF_MS = 5_000;

export interface LogReaderOptions {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly partition: number;
  readonly partitions: number;
  readonly fromSeq: number;
  readonly refusals: RefusalCounter;
  readonly guard: ResultGuard;
  /** Where it reads on once it has caught up. */
  readonly feed: LogFeed;
}

export class LogReader implements AsyncIterable<PartitionEntry> {
  /**
   * Resolves once all that lay in the partition when it was opened has been taken from the iterator (or was refused).
   * Unlike `caughtUp` it also tells when what came last was refused.
   */
  readonly untilCaughtUp: Promise<void>;
  readonly #options: LogReaderOptions;
  readonly #stopping = new AbortController();
  readonly #blueprints: BlueprintStore;
  #nextSeq: number;
  #backlog = 0;
  #caughtUp = false;
  #markCaughtUp: () => void = () => {};
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  readonly #member: FeedMember;
  #joining = false;
  /** What comes, comes by the feed. */
  #fed = false;
  /** Given by the feed and not taken from the iterator. */
  #waiting: StoredPartitionEntry[] = [];
  /** So many of those have been taken. */
  #taken = 0;
  #wake: () => void = () => {};

  private constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#blueprints = blueprintsOn(options.nc);
    this.#nextSeq = Math.max(1, options.fromSeq);
    this.untilCaughtUp = new Promise((done) => {
      this.#markCaughtUp = done;
    });
    const reader = this;
    this.#member = {
      partition: options.partition,
      get nextSeq() {
        return reader.#nextSeq;
      },
      take: (entry) => this.#give(entry),
      joined: () => this.#beFed(),
      letGo: () => this.#beAlone(),
    };
  }

  /** Fails when the log cannot be read now; later failures are sat out. */
  static async open(options: LogReaderOptions): Promise<LogReader> {
    const reader = new LogReader(options);
    await reader.#connect();
    void reader.#watchConnection();
    reader.#backlog = (await reader.#consumer?.info(true))?.num_pending ?? 0;
    if (reader.#backlog === 0) reader.#arrive();
    return reader;
  }

  /** Whether the entry that was taken last was the last one that lay there at the opening, or came after it. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** The sequence that the next entry has at least. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** All that the partition holds up to here has been taken from the iterator, or was refused. */
  get readThrough(): number {
    const { nextSeq } = this.#options.feed;
    // What the feed has passed over was none of this partition.
    const isDrained = this.#fed && this.#taken === this.#waiting.length && Number.isFinite(nextSeq);
    return Math.max(this.#nextSeq, isDrained ? nextSeq : 0) - 1;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PartitionEntry> {
    for (let failures = 0; !this.#over; failures++) {
      try {
        if (!this.#fed && this.#messages === undefined) await this.#connect();
        for await (const message of this.#messages ?? []) {
          if (this.#fed) break;
          failures = -1;
          const { pending } = message.info;
          const last = !this.#caughtUp && (--this.#backlog <= 0 || pending === 0);
          const stored = this.#decode(message);
          const entry = stored && this.#whole(stored);
          const whole = entry instanceof Promise ? await entry : entry;
          this.#nextSeq = message.seq + 1;
          if (last) this.#caughtUp = true;
          if (whole !== undefined) yield whole;
          if (last) this.#arrive();
          else if (this.#caughtUp && pending === 0) this.#join();
          if (this.#over) return;
        }
      } catch (error) {
        this.#options.refusals.add(STREAMS.log, `reading broke off: ${String(error)}`);
      }
      this.#messages = undefined;
      while (this.#fed || this.#taken < this.#waiting.length) {
        const stored = this.#next();
        if (stored === undefined) await this.#untilGiven();
        else if (stored.seq >= this.#nextSeq) {
          const entry = this.#whole(stored);
          const whole = entry instanceof Promise ? await entry : entry;
          this.#nextSeq = stored.seq + 1;
          yield whole;
        }
        if (this.#over) return;
        failures = -1;
      }
      if (!this.#over) await this.#pause(failures);
    }
  }

  /** The next entry, if it is here: what comes in one turn can be taken in it. Undefined: the iterator may have one. */
  takeNow(): PartitionEntry | undefined {
    while (this.#fed && !this.#over) {
      const stored = this.#waiting[this.#taken];
      if (stored === undefined) return undefined;
      const whole = wholeOf(stored, this.#blueprints);
      if (whole instanceof Promise) {
        // The iterator asks again, and waits.
        whole.catch(ignore);
        return undefined;
      }
      this.#taken++;
      if (stored.seq < this.#nextSeq) continue;
      this.#nextSeq = stored.seq + 1;
      return whole;
    }
    return undefined;
  }

  /** Whether everything that lies in the partition now has been taken from the iterator. Two requests. */
  async isDrained(): Promise<boolean> {
    if (this.#over || !this.#caughtUp || this.#taken < this.#waiting.length) return false;
    const { js, partition, feed } = this.#options;
    // What the feed has passed over was none of this partition.
    const from = this.#fed ? Math.max(this.#nextSeq, feed.nextSeq) : this.#nextSeq;
    try {
      // The log is asked, not the consumer: one with nothing to deliver may say that it is beyond what was read.
      const { streams } = await js.jetstreamManager(false);
      const left = await Promise.all(
        subjectsOf([partition]).map((subject) => {
          const next = { seq: from, next_by_subj: subject };
          return streams.getMessage(STREAMS.log, next);
        }),
      );
      return left.every((message) => message === null);
    } catch {
      return false;
    }
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#options.feed.leave(this.#member);
    this.#messages?.stop();
    this.#wake();
    return this.#dismiss();
  }

  /** Otherwise the server keeps the consumer for five minutes; if it is lost, no harm. */
  #dismiss(): Promise<void> {
    const gone = this.#options.nc.isClosed() ? undefined : this.#consumer?.delete();
    this.#consumer = undefined;
    return gone?.then(ignore, ignore) ?? Promise.resolve();
  }

  get #over(): boolean {
    return this.#stopping.signal.aborted || this.#options.nc.isClosed();
  }

  async #connect(): Promise<void> {
    const { js, partition } = this.#options;
    this.#consumer = await js.consumers.get(STREAMS.log, {
      filter_subjects: subjectsOf([partition]),
      opt_start_seq: this.#nextSeq,
    });
    this.#messages = await this.#consumer.consume({ max_messages: PREFETCH, idle_heartbeat: IDLE_HEARTBEAT_MS });
    if (this.#over || this.#fed) this.#messages.stop();
  }

  /**
   * The consumer lies in the server's memory and is gone when the server was: the client would notice by missed
   * heartbeats, seconds later and only then read on.
   */
  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.nc.status()) {
      if (this.#over) return;
      if (status.type === "reconnect") this.#messages?.stop();
    }
  }

  #arrive(): void {
    this.#caughtUp = true;
    this.#markCaughtUp();
    this.#join();
  }

  #join(): void {
    if (this.#joining || this.#over) return;
    this.#joining = true;
    this.#options.feed.join(this.#member);
  }

  #beFed(): void {
    this.#fed = true;
    this.#messages?.stop();
    void this.#dismiss();
  }

  /** It took its time: the feed goes on without it, and it reads on by itself until it has caught up again. */
  #beAlone(): void {
    this.#fed = false;
    this.#joining = false;
    this.#wake();
  }

  #give(entry: StoredPartitionEntry): number {
    this.#waiting.push(entry);
    this.#wake();
    return this.#waiting.length - this.#taken;
  }

  #next(): StoredPartitionEntry | undefined {
    const stored = this.#waiting[this.#taken];
    if (stored !== undefined) this.#taken++;
    else if (this.#taken > 0) {
      this.#waiting = [];
      this.#taken = 0;
    }
    return stored;
  }

  #untilGiven(): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
    });
  }

  /** However long the flow cannot be read: an entry passed over would be lost for its run. */
  #whole(entry: StoredPartitionEntry): PartitionEntry | Promise<PartitionEntry> {
    const whole = wholeOf(entry, this.#blueprints);
    return whole instanceof Promise ? this.#persist(entry, whole) : whole;
  }

  async #persist(entry: StoredPartitionEntry, first: Promise<PartitionEntry>): Promise<PartitionEntry> {
    let whole = first;
    for (let failures = 0; ; failures++) {
      try {
        return await whole;
      } catch (error) {
        if (this.#over) throw error;
        this.#options.refusals.add(STREAMS.log, `a flow cannot be read: ${String(error)}`);
        await this.#pause(failures);
        whole = Promise.resolve(wholeOf(entry, this.#blueprints));
      }
    }
  }

  #decode(message: JsMsg): StoredPartitionEntry | undefined {
    const { subject, seq, data } = message;
    const { partitions, guard } = this.#options;
    const decoded = decodeLogEntry({ subject, seq, data, timeMs: timeOf(message) }, partitions, guard);
    if (decoded.ok) return ofPartition(decoded, this.#options.partition, partitions);
    this.#options.refusals.add(subject, decoded.reason);
    return undefined;
  }

  async #pause(failures: number): Promise<void> {
    const backoffMs = Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures);
    await delay(backoffMs, undefined, { signal: this.#stopping.signal }).catch(ignore);
  }
}

function wholeOf(entry: StoredPartitionEntry, blueprints: BlueprintStore): PartitionEntry | Promise<PartitionEntry> {
  return entry.kind === "ends" ? entry : toLogEntry(entry, blueprints);
}

function ignore(): void {}
