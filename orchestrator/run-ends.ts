/**
 * Writes to the log that runs have ended. Nobody waits for it: the answer is out by then. So ends that come while a
 * message of ends is on its way share the next one, whichever partitions they are of. One for all partitions of a process.
 *
 * N1. An end is sent again until the server has it, or until it is no more this process's to send.
 * N2. An end alone is its run's own message. Shared ends may be in the log twice, in other company, after a recovery: the
 *     second of a run says nothing new.
 */
import { createHash } from "node:crypto";
import {
  type ExecutionTokens,
  headerNames,
  outgoingHeaders,
  type Publishes,
  type RunResult,
  splitIntoMessages,
  subjects,
  WIRE_VERSION,
} from "../nats/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { persist } from "./persist.ts";

/** One end on its way. */
export interface RunEnd {
  readonly partition: number;
  readonly result: RunResult;
  /** The server has it. */
  readonly onStored: () => void;
  /** Whether it is still this process's to send. */
  readonly isWanted: () => boolean;
}

export interface RunEndsOptions {
  readonly publisher: Publishes;
  readonly logger: Logger;
  /** What the ends of one message may take, bytes. */
  readonly maxBytes: () => number;
  /** Makes ids of messages that nobody can guess. Default: plain ones. */
  readonly tokens?: Pick<ExecutionTokens, "messageId"> | undefined;
  /** Default: real time. */
  readonly clock?: Clock;
}

/** Fewer than the schema allows: their ids travel in a header too. */
const MAX_ENDS = 128;

interface Waiting {
  readonly end: RunEnd;
  /** The result as JSON. */
  readonly json: string;
}

export class RunEnds {
  readonly #options: RunEndsOptions;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  /** Messages without an ack. */
  #open = 0;
  #due = false;

  constructor(options: RunEndsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  add(end: RunEnd): void {
    this.#waiting.push({ end, json: JSON.stringify(end.result) });
    if (this.#due || this.#open > 0) return;
    this.#due = true;
    this.#clock.soon(() => {
      this.#due = false;
      this.#empty();
    });
  }

  #empty(): void {
    const room = {
      most: MAX_ENDS,
      maxBytes: this.#options.maxBytes(),
      // At most: a UTF-16 unit is at most three bytes of UTF-8.
      bytesOf: ({ json }: Waiting) => json.length * 3,
    };
    for (const message of splitIntoMessages(this.#waiting.splice(0), room)) void this.#send(message);
  }

  async #send(ends: readonly Waiting[]): Promise<void> {
    const { publisher, logger } = this.#options;
    const { subject, payload, options } = this.#message(ends);
    const isWanted = (): boolean => ends.some(({ end }) => end.isWanted());
    const attempt = () => publisher.publish(subject, payload, options);
    this.#open++;
    const stored = await persist(attempt, { what: subject, isWanted, clock: this.#clock, logger });
    this.#open--;
    if (stored) for (const { end } of ends) end.onStored();
    if (this.#open === 0 && this.#waiting.length > 0) this.#empty();
  }

  #message(ends: readonly Waiting[]) {
    const idOf = (id: string): string => this.#options.tokens?.messageId(id) ?? id;
    const [first] = ends;
    if (ends.length === 1 && first) {
      const { partition, result } = first.end;
      const run = result.run_id;
      return {
        subject: subjects.run(partition, run),
        payload: Buffer.from(
          `{"v":${WIRE_VERSION},"kind":"finished","run":${JSON.stringify(run)},"result":${first.json}}`,
        ),
        options: { msgID: idOf(`${run}:finished`) },
      };
    }
    const runs = ends.map(({ end }) => end.result.run_id).join(",");
    const named = outgoingHeaders();
    named.set(headerNames.ends, runs);
    return {
      subject: subjects.sharedEnds(),
      payload: Buffer.from(`{"v":${WIRE_VERSION},"results":[${ends.map(({ json }) => json).join(",")}]}`),
      options: { msgID: idOf(`ends:${createHash("sha256").update(runs).digest("base64url")}`), headers: named },
    };
  }
}
