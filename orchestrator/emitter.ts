/**
 * Sends what the run machines want sent, for one partition, and knows how far the log's consequences are out.
 *
 * E1. A publish is repeated under the same `Nats-Msg-Id` until the server has it: the fold has already moved on, so
 *     giving up would lose work.
 * E2. `emittedThrough` never passes a message of the log while something that it caused is not acknowledged.
 */

import { type ErrorInfo, RayflowError, toErrorInfo } from "../flow/index.ts";
import {
  type DispatchEntry,
  type ExecutionTokens,
  encodeMessage,
  type Publishes,
  type RunResult,
  writeEntry,
} from "../nats/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Logger } from "./logger.ts";
import { persist } from "./persist.ts";
import type { RunEnds } from "./run-ends.ts";

/** What a message needs besides its entries: envelope and headers, bytes. */
const OVERHEAD_BYTES = 4096;
/** No message is smaller than this. */
const SURELY_SMALL_BYTES = 16 * 1024;

export interface EmitterOptions {
  readonly publisher: Publishes;
  readonly dispatcher: Pick<Dispatcher, "add">;
  readonly ends: Pick<RunEnds, "add">;
  /** The server's max_payload, bytes. */
  readonly maxPayload: () => number;
  readonly logger: Logger;
  /** Default: real time. */
  readonly clock?: Clock;
  /** What proves to the reader of the log that a result is the execution's own. Default: nothing is signed. */
  readonly tokens?: ExecutionTokens;
  /** Makes an entry fit so many bytes. Default: what is too large is not sent. */
  readonly offload?: (entry: DispatchEntry, limitBytes: number) => Promise<DispatchEntry>;
}

export class Emitter {
  readonly #options: EmitterOptions;
  readonly #clock: Clock;
  /** Publishes that are not acknowledged, by the sequence that caused them. What is sent again has an old one. */
  readonly #open = new Map<number, number>();
  #seen: number;
  #stopped = false;
  readonly #isWanted = (): boolean => !this.#stopped;

  constructor(options: EmitterOptions, startAt: number) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#seen = startAt;
  }

  /** Every command caused by messages up to here has its PubAck. */
  get emittedThrough(): number {
    let first = this.#seen + 1;
    for (const seq of this.#open.keys()) first = Math.min(first, seq);
    return first - 1;
  }

  /** Publishes that are not acknowledged. */
  get openCount(): number {
    let sum = 0;
    for (const count of this.#open.values()) sum += count;
    return sum;
  }

  /** A message of the log was folded; what it caused, if anything, has been handed in before. */
  passed(seq: number): void {
    if (seq > this.#seen) this.#seen = seq;
  }

  /** After this, what is not acknowledged is given up: another orchestrator will send it. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when everything is acknowledged, or after `longestMs`. */
  async drained(longestMs: number): Promise<void> {
    const until = this.#clock.now() + longestMs;
    while (this.#open.size > 0 && !this.#stopped && this.#clock.now() < until) await this.#clock.sleep(5);
  }

  /** Until what it gives is called, messages from `seq` on count as not carried out. */
  hold(seq: number): () => void {
    this.#open.set(seq, (this.#open.get(seq) ?? 0) + 1);
    return () => {
      const left = (this.#open.get(seq) ?? 1) - 1;
      if (left === 0) this.#open.delete(seq);
      else this.#open.set(seq, left);
    };
  }

  /** Does something under the watch of `emittedThrough`, again and again until it succeeds. */
  track(seq: number, what: string, attempt: () => Promise<unknown>): void {
    const release = this.hold(seq);
    const { logger } = this.#options;
    void persist(attempt, { what, isWanted: this.#isWanted, clock: this.#clock, logger }).then((done) => {
      if (done) release();
    });
  }

  publish(seq: number, subject: string, message: unknown, id: string): void {
    const payload = encodeMessage(message);
    const msgID = this.#options.tokens?.messageId(id) ?? id;
    this.track(seq, subject, () => this.#options.publisher.publish(subject, payload, { msgID }));
  }

  /** Writes to the log that a run of this partition has ended. */
  end(seq: number, partition: number, result: RunResult): void {
    this.#options.ends.add({ partition, result, onStored: this.hold(seq), isWanted: this.#isWanted });
  }

  /**
   * Sends work to the actors of one type. An entry that fits no message, even when its large inputs travel as
   * references, is handed to `undeliverable` instead.
   */
  dispatch(
    seq: number,
    type: string,
    entry: DispatchEntry,
    undeliverable: (entry: DispatchEntry, error: ErrorInfo) => void,
  ): void {
    const limit = this.#options.maxPayload() - OVERHEAD_BYTES;
    const token = this.#options.tokens?.sign(entry.id);
    const json = writeEntry(entry, token);
    // A UTF-16 unit is at most three bytes of UTF-8: most entries need no counting.
    const most = json.length * 3;
    const bytes = most <= SURELY_SMALL_BYTES ? most : Buffer.byteLength(json);
    if (bytes > limit) this.#sendLarge(seq, type, entry, limit, undeliverable);
    else this.#send(seq, type, messageIdOf(entry.id, token), json, bytes);
  }

  #sendLarge(
    seq: number,
    type: string,
    entry: DispatchEntry,
    limit: number,
    undeliverable: (entry: DispatchEntry, error: ErrorInfo) => void,
  ): void {
    const { offload } = this.#options;
    if (!offload) return undeliverable(entry, tooLarge(entry, limit));
    // Watched from here on: a crash while the values are stored must not lose the entry.
    this.track(seq, `the inputs of ${entry.node}`, async () => {
      try {
        const small = await offload(entry, limit);
        const token = this.#options.tokens?.sign(small.id);
        const json = writeEntry(small, token);
        this.#send(seq, type, messageIdOf(small.id, token), json, Buffer.byteLength(json));
      } catch (error) {
        const info = toErrorInfo(error);
        if (info.code === "ConnectionFailed") throw error;
        undeliverable(entry, { ...info, node_id: entry.node });
      }
    });
  }

  #send(seq: number, type: string, id: string, json: string, bytes: number): void {
    const onStored = this.hold(seq);
    this.#options.dispatcher.add(type, { id, json, bytes, onStored, isWanted: this.#isWanted });
  }
}

/** Nobody else can know it, and have the message dropped as a duplicate. */
function messageIdOf(execution: string, token: string | undefined): string {
  return token === undefined ? execution : `${execution}~${token}`;
}

function tooLarge(entry: DispatchEntry, limit: number): ErrorInfo {
  const bytes = Buffer.byteLength(JSON.stringify(entry));
  return new RayflowError(
    "PayloadTooLarge",
    `the inputs of ${entry.node} take ${bytes} bytes; a message holds at most ${limit}`,
    { nodeId: entry.node },
  ).toInfo();
}
