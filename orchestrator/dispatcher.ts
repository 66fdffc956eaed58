/**
 * Sends work to the actors: entries of one type that become ready in the same turn of the event loop share a message,
 * whichever runs and partitions they are of, as far as the type's pace allows. One for all partitions of a process.
 *
 * D1. A message is sent again under the same id until the server has it, or until nobody wants any of its entries.
 * D2. Each entry hears of the PubAck of its message once.
 * D3. No entry waits longer than its turn, and none for more than a full message.
 */
import { createHash } from "node:crypto";
import { type Publishes, subjects, WIRE_VERSION } from "../nats/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { MAX_ENTRIES, type Pace } from "./pace.ts";

/** One activation on its way out. */
export interface Outgoing {
  /** The execution id. */
  readonly id: string;
  /** The entry as it goes on the wire. */
  readonly json: string;
  readonly bytes: number;
  /** The server has it. */
  readonly onStored: () => void;
  /** Whether it is still this process's to send. */
  readonly isWanted: () => boolean;
}

export interface DispatcherOptions {
  readonly publisher: Publishes;
  readonly pace: Pick<Pace, "limitOf">;
  readonly logger: Logger;
  /** What the entries of one message may take, bytes. */
  readonly maxBytes: () => number;
  /** Default: real time. */
  readonly clock?: Clock;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #clock: Clock;
  #waiting = new Map<string, Outgoing[]>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Sends an entry with all others of its type of this turn. */
  add(type: string, entry: Outgoing): void {
    if (this.#waiting.size === 0) this.#clock.soon(() => this.#flush());
    const waiting = this.#waiting.get(type);
    if (!waiting) {
      this.#waiting.set(type, [entry]);
      return;
    }
    waiting.push(entry);
    // A full message goes at once: in a long turn the actors should not wait for its end.
    if (waiting.length >= MAX_ENTRIES) this.#divide(type, waiting.splice(0));
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = new Map();
    for (const [type, entries] of all) this.#divide(type, entries);
  }

  #divide(type: string, entries: readonly Outgoing[]): void {
    const most = this.#options.pace.limitOf(type);
    const maxBytes = this.#options.maxBytes();
    let message: Outgoing[] = [];
    let size = 0;
    for (const entry of entries) {
      if (message.length >= most || (message.length > 0 && size + entry.bytes > maxBytes)) {
        void this.#send(type, message);
        message = [];
        size = 0;
      }
      message.push(entry);
      size += entry.bytes + 1;
    }
    if (message.length > 0) void this.#send(type, message);
  }

  async #send(type: string, entries: readonly Outgoing[]): Promise<void> {
    // The entries are JSON already: their sizes had to be known.
    const json = `{"v":${WIRE_VERSION},"type":${JSON.stringify(type)},"entries":[${entries.map((entry) => entry.json).join(",")}]}`;
    const payload = Buffer.from(json);
    const msgID = messageId(entries);
    const subject = subjects.node(type);
    const { publisher, logger } = this.#options;
    for (let waitMs = FIRST_RETRY_MS; entries.some((entry) => entry.isWanted()); waitMs *= 2) {
      try {
        await publisher.publish(subject, payload, { msgID });
        for (const entry of entries) entry.onStored();
        return;
      } catch (error) {
        if (!entries.some((entry) => entry.isWanted())) return;
        logger.warn({ subject, entries: entries.length, err: error }, "work was not acknowledged; trying again");
        await this.#clock.sleep(Math.min(waitMs, LONGEST_RETRY_MS));
      }
    }
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
