/**
 * Sends work to the actors: entries of one type that become ready in the same turn of the event loop share a message,
 * whichever runs and partitions they are of, as far as the type's pace allows. One for all partitions of a process.
 *
 * D1. A message is sent again under the same id until the server has it, or until nobody wants any of its entries.
 * D2. Each entry hears of the PubAck of its message once.
 * D3. No entry waits longer than its turn, and none for more than a full message; only while messages of its type are on
 *     their way, those of quick types wait for the next ack, and share the next message.
 */
import { createHash } from "node:crypto";
import { type Publishes, splitIntoMessages, subjects, WIRE_VERSION } from "../nats/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { MAX_ENTRIES, type Pace } from "./pace.ts";
import { persist } from "./persist.ts";
import type { RunMetrics } from "./run-metrics.ts";

/** One activation on its way out. */
export interface Outgoing {
  /** What the entry's message is known by when it goes alone: made from the execution id. */
  readonly id: string;
  /** The entry as it goes on the wire. */
  readonly json: string;
  readonly bytes: number;
  /** The server has it. */
  readonly onStored: () => void;
  /** Whether it is still this process's to send. */
  readonly isWanted: () => boolean;
}

/** What is known of one type. */
interface Waiting {
  entries: Outgoing[];
  /** Messages without an ack. */
  open: number;
}

export interface DispatcherOptions {
  readonly publisher: Publishes;
  readonly pace: Pick<Pace, "limitOf">;
  readonly logger: Logger;
  /** What the entries of one message may take, bytes. */
  readonly maxBytes: () => number;
  /** Default: nothing is counted. */
  readonly metrics?: Pick<RunMetrics, "batch">;
  /** Default: real time. */
  readonly clock?: Clock;
}

/** Messages of one type without an ack, past which entries wait for one. */
const MAX_OPEN = 2;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #clock: Clock;
  readonly #types = new Map<string, Waiting>();
  /** Types with entries that wait for the end of this turn. */
  #due = new Set<string>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Sends an entry with all others of its type of this turn. */
  add(type: string, entry: Outgoing): void {
    if (this.#due.size === 0) this.#clock.soon(() => this.#flush());
    this.#due.add(type);
    const waiting = this.#types.get(type) ?? { entries: [], open: 0 };
    this.#types.set(type, waiting);
    waiting.entries.push(entry);
    // A full message goes at once: in a long turn the actors should not wait for its end.
    if (waiting.entries.length >= MAX_ENTRIES) this.#empty(type, waiting);
  }

  #flush(): void {
    const due = this.#due;
    this.#due = new Set();
    for (const type of due) {
      const waiting = this.#types.get(type);
      if (waiting && (waiting.open < MAX_OPEN || this.#options.pace.limitOf(type) === 1)) this.#empty(type, waiting);
    }
  }

  #empty(type: string, waiting: Waiting): void {
    const entries = waiting.entries;
    waiting.entries = [];
    const room = {
      most: this.#options.pace.limitOf(type),
      // Each with a comma, but for the last.
      maxBytes: this.#options.maxBytes() + 1,
      bytesOf: ({ bytes }: Outgoing) => bytes + 1,
    };
    for (const message of splitIntoMessages(entries, room)) void this.#send(type, waiting, message);
  }

  async #send(type: string, waiting: Waiting, entries: readonly Outgoing[]): Promise<void> {
    waiting.open++;
    this.#options.metrics?.batch(entries.length);
    await this.#publish(type, entries);
    waiting.open--;
    if (waiting.open < MAX_OPEN && waiting.entries.length > 0) this.#empty(type, waiting);
    // A type may never come again.
    if (waiting.open === 0 && waiting.entries.length === 0) this.#types.delete(type);
  }

  async #publish(type: string, entries: readonly Outgoing[]): Promise<void> {
    // The entries are JSON already: their sizes had to be known.
    const json = `{"v":${WIRE_VERSION},"type":${JSON.stringify(type)},"entries":[${entries.map((entry) => entry.json).join(",")}]}`;
    const payload = Buffer.from(json);
    const msgID = messageId(entries);
    const subject = subjects.node(type);
    const { publisher, logger } = this.#options;
    const isWanted = (): boolean => entries.some((entry) => entry.isWanted());
    const attempt = () => publisher.publish(subject, payload, { msgID });
    const stored = await persist(attempt, { what: subject, isWanted, clock: this.#clock, logger });
    if (stored) for (const entry of entries) entry.onStored();
  }
}

/** An entry that goes alone is known by its own id: sent again by a successor, it is dropped as a duplicate. */
function messageId(entries: readonly Outgoing[]): string {
  const [first] = entries;
  if (entries.length === 1 && first) return first.id;
  return createHash("sha256")
    .update(entries.map((entry) => entry.id).join("\n"))
    .digest("base64url");
}
