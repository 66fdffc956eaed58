/**
 * One consumer of the log for all partitions that this process has caught up with: each stored message is delivered and
 * decoded once, and given to the partitions whose runs it concerns. A consumer for each partition costs the server and
 * this process a tenth of all they do, and what comes together is taken apart.
 *
 * F1. A member gets its entries in the order of their sequences, each once, from its own `nextSeq` at joining on.
 * F2. Members do not wait for each other: who does not take what it is given is let go, and reads on by itself.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { partitionOf, type RefusalCounter, STREAMS, subjects } from "../nats/index.ts";
import {
  decodeLogEntry,
  grouped,
  type ResultEntry,
  type ResultGuard,
  type StoredPartitionEntry,
  timeOf,
} from "./log-entry.ts";

const PREFETCH = 1_024;
/** The server's sign of life while there is nothing to read; two missed ones, and the consumer is made anew. */
const IDLE_HEARTBEAT_MS = 2_000;
const MAX_BACKOFF_MS = 5_000;
/** Members that join or leave within this time share a new consumer. */
const SETTLING_MS = 5;
/** A member that lets so many entries wait is let go. */
const MAX_WAITING = 4_096;

export interface LogFeedOptions {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly partitions: number;
  readonly refusals: RefusalCounter;
  readonly guard: ResultGuard;
}

export interface FeedMember {
  readonly partition: number;
  /** It wants nothing below. */
  readonly nextSeq: number;
  /** Gives how many entries wait now. */
  take(entry: StoredPartitionEntry): number;
  /** From now on it gets what comes. */
  joined(): void;
  /** It gets nothing more. */
  letGo(): void;
}

interface Seat {
  readonly member: FeedMember;
  /** The next entry that it takes has at least this sequence: what a new consumer delivers again is passed over. */
  acceptsFrom: number;
  joined: boolean;
}

export class LogFeed {
  readonly #options: LogFeedOptions;
  readonly #seats = new Map<number, Seat>();
  #nextSeq = Number.POSITIVE_INFINITY;
  #messages: ConsumerMessages | undefined;
  #changing: NodeJS.Timeout | undefined;
  /** Counts the changes of who is here. */
  #changes = 0;
  #running = false;

  constructor(options: LogFeedOptions) {
    this.#options = options;
  }

  /** All below was given to those whom it concerned. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** A partition that has nearly caught up. It goes on by itself until `joined` is called. */
  join(member: FeedMember): void {
    this.#seats.set(member.partition, { member, acceptsFrom: member.nextSeq, joined: false });
    this.#change();
    if (this.#running) return;
    this.#running = true;
    void this.#run();
    void this.#watchConnection();
  }

  leave(member: FeedMember): void {
    if (this.#seats.get(member.partition)?.member !== member) return;
    this.#seats.delete(member.partition);
    this.#change();
  }

  get #over(): boolean {
    return this.#seats.size === 0 || this.#options.nc.isClosed();
  }

  /** The consumer no longer fits those who are here. */
  #change(): void {
    this.#changes++;
    this.#changing ??= setTimeout(() => {
      this.#changing = undefined;
      this.#messages?.stop();
    }, SETTLING_MS);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#over; failures++) {
      let consumer: Consumer | undefined;
      try {
        consumer = await this.#connect();
        const why = await this.#messages?.closed();
        if (why) throw why;
        failures = -1;
      } catch (error) {
        this.#options.refusals.add(STREAMS.log, `reading broke off: ${String(error)}`);
      }
      this.#messages = undefined;
      // Otherwise the server keeps it for five minutes; if it is lost, no harm.
      if (!this.#options.nc.isClosed()) void consumer?.delete().then(ignore, ignore);
      if (failures >= 0 && !this.#over) await delay(Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures));
    }
    this.#running = false;
    for (const { member } of this.#seats.values()) member.letGo();
    this.#seats.clear();
    this.#nextSeq = Number.POSITIVE_INFINITY;
  }

  async #connect(): Promise<Consumer> {
    const { js, partitions } = this.#options;
    const changes = this.#changes;
    const seats = [...this.#seats.values()];
    for (const seat of seats) if (!seat.joined) this.#nextSeq = Math.min(this.#nextSeq, seat.acceptsFrom);
    const consumer = await js.consumers.get(STREAMS.log, {
      // All that there is needs no filter, which the server would match each message against.
      ...(seats.length === partitions
        ? {}
        : { filter_subjects: subjectsOf(seats.map(({ member }) => member.partition)) }),
      opt_start_seq: this.#nextSeq,
    });
    // All that comes in one turn is given in it: one by one, each would cost every partition a turn of promises.
    let early: JsMsg[] | undefined = [];
    this.#messages = await consumer.consume({
      max_messages: PREFETCH,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      callback: (message) => (early ? void early.push(message) : this.#route(message)),
    });
    for (const seat of seats) {
      if (seat.joined || this.#seats.get(seat.member.partition) !== seat) continue;
      seat.joined = true;
      seat.member.joined();
    }
    for (const message of early) this.#route(message);
    early = undefined;
    // Who came or went meanwhile is not in the filter.
    if (changes !== this.#changes) this.#change();
    return consumer;
  }

  /** As for each partition's own consumer: it is gone when the server was, and nobody says so soon. */
  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.nc.status()) {
      if (!this.#running) return;
      if (status.type === "reconnect") this.#messages?.stop();
    }
  }

  #route(message: JsMsg): void {
    const { subject, seq, data } = message;
    this.#nextSeq = seq + 1;
    const { partitions, guard, refusals } = this.#options;
    const decoded = decodeLogEntry({ subject, seq, data, timeMs: timeOf(message) }, partitions, guard);
    if (!decoded.ok) refusals.add(subject, decoded.reason);
    else if (decoded.partition !== "many") this.#give(decoded.partition, decoded.entry);
    else if (decoded.entry.kind === "result") {
      for (const [partition, own] of byPartition(decoded.entry, partitions)) this.#give(partition, own);
    } else if (decoded.entry.kind === "ends") {
      const { results, ...rest } = decoded.entry;
      const found = grouped(results, ({ run_id }) => partitionOf(run_id, partitions));
      for (const [partition, own] of found) this.#give(partition, { ...rest, results: own });
    }
  }

  #give(partition: number, entry: StoredPartitionEntry): void {
    const seat = this.#seats.get(partition);
    if (!seat?.joined || entry.seq < seat.acceptsFrom) return;
    seat.acceptsFrom = entry.seq + 1;
    if (seat.member.take(entry) <= MAX_WAITING) return;
    this.leave(seat.member);
    seat.member.letGo();
  }
}

/** The subjects that concern some partitions. */
export function subjectsOf(partitions: readonly number[]): string[] {
  const own = partitions.flatMap((one) => [subjects.resultsOfPartition(one), subjects.runsOfPartition(one)]);
  return [...own, subjects.sharedResults(), subjects.sharedEnds()];
}

/** Results that share a message, for each partition its own. */
function byPartition(entry: ResultEntry, partitions: number): Iterable<readonly [number, ResultEntry]> {
  const { seq, timeMs, kind, message } = entry;
  const { v, type } = message;
  const found = grouped(message.results, ({ run }) => partitionOf(run, partitions));
  return [...found].map(
    ([partition, results]) => [partition, { seq, timeMs, kind, message: { v, type, results } }] as const,
  );
}

function ignore(): void {}
