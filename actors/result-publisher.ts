/**
 * ResultPublisher sends results to the log and says when each one is there for good.
 *
 * R1. Results of one type that end in the same turn of the event loop share a message, of whichever partitions their runs
 *     are. While one of theirs is on its way, those that end meanwhile wait for its ack and share the next: the busier the
 *     log, the fewer and larger its messages (John Nagle's rule, RFC 896), and where each write is synced, one sync
 *     serves many.
 * R2. A message is sent again, under the same id, until the server has acked it or the publisher is closed.
 * R3. `onAcked` is called once per result, and never for a result that may not be in the log.
 */
import { hash } from "node:crypto";
import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { afterTurn, asMessageId, type Publishes, splitIntoMessages, subjects, WIRE_VERSION } from "../nats/index.ts";
import { Interrupts } from "./interrupts.ts";
import { type SealedResult, sealResult } from "./sealed-result.ts";

/** What the schema of a result message allows. */
const MAX_RESULTS = 256;
const ACK_TIMEOUT_MS = 5_000;
/** Room for `{"v":1,"type":…,"results":[…]}` and the header. */
const ENVELOPE_BYTES = 1_024;
/** The server's "message size exceeds maximum allowed": no later try will do better. */
const MESSAGE_TOO_LARGE = 10054;

interface Pending {
  readonly partition: number;
  readonly sealed: SealedResult;
  readonly onAcked: () => void;
}

interface Buffer {
  readonly type: string;
  results: Pending[];
  /** Messages without an ack. */
  open: number;
}

export interface ResultPublisherOptions {
  readonly js: Publishes;
  readonly logger: Logger;
  /** The largest message that the server takes, bytes. */
  readonly maxMessageBytes: () => number;
}

export class ResultPublisher {
  readonly #options: ResultPublisherOptions;
  readonly #buffers = new Map<string, Buffer>();
  readonly #interrupts = new Interrupts();
  readonly #idle: (() => void)[] = [];
  #unacked = 0;
  #scheduled = false;
  #closed = false;

  constructor(options: ResultPublisherOptions) {
    this.#options = options;
  }

  /** Results that are not known to be in the log. */
  get unacked(): number {
    return this.#unacked;
  }

  /** Sends a result with all others of this turn. */
  add(type: string, partition: number, sealed: SealedResult, onAcked: () => void): void {
    if (this.#closed) return;
    this.#unacked++;
    let buffer = this.#buffers.get(type);
    if (!buffer) {
      buffer = { type, results: [], open: 0 };
      this.#buffers.set(type, buffer);
    }
    buffer.results.push({ partition, sealed, onAcked });
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterTurn(() => this.#flush());
  }

  /** The connection is back: sends what is unanswered again instead of waiting for its time to pass. */
  retryNow(): void {
    this.#interrupts.fire();
  }

  /** Waits until everything is acked, at most so long; then gives up what is left. */
  async close(timeoutMs: number): Promise<void> {
    for (const buffer of this.#buffers.values()) this.#empty(buffer);
    if (this.#unacked > 0 && timeoutMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        this.#idle.push(done);
        timer = setTimeout(done, timeoutMs);
      });
      clearTimeout(timer);
    }
    this.#closed = true;
    this.retryNow();
  }

  #flush(): void {
    this.#scheduled = false;
    for (const buffer of this.#buffers.values()) if (buffer.open === 0) this.#empty(buffer);
  }

  #empty(buffer: Buffer): void {
    const results = buffer.results;
    buffer.results = [];
    const room = {
      most: MAX_RESULTS,
      maxBytes: this.#options.maxMessageBytes() - ENVELOPE_BYTES,
      bytesOf: ({ sealed }: Pending) => sealed.bytes + 1,
    };
    for (const message of splitIntoMessages(results, room)) void this.#send(buffer, message);
  }

  async #send(buffer: Buffer, message: Pending[]): Promise<void> {
    const { js, logger } = this.#options;
    const subject = subjectFor(buffer.type, message);
    const payload = encode(buffer.type, message);
    const options = { msgID: messageId(message), timeout: ACK_TIMEOUT_MS };
    buffer.open++;
    for (let tries = 1; !this.#closed; tries++) {
      try {
        await this.#interrupts.race(js.publish(subject, payload, options));
        this.#settled(buffer);
        this.#acked(message);
        return;
      } catch (problem) {
        if (isTooLarge(problem) && !isRefusal(message)) {
          this.#divide(buffer, message);
          this.#settled(buffer);
          return;
        }
        const fields = { subject, results: message.length, tries, error: toErrorInfo(problem) };
        if (!this.#closed) logger.warn(fields, "results are not acked yet: trying again");
        await this.#interrupts.backOff(tries);
      }
    }
  }

  /** The stream allows less than the server said: each alone, and the one that is too large alone fails its node. */
  #divide(buffer: Buffer, message: Pending[]): void {
    const [only] = message;
    if (message.length > 1) {
      for (const pending of message) void this.#send(buffer, [pending]);
    } else if (only) {
      const result = only.sealed.result;
      const error = new RayflowError(
        "PayloadTooLarge",
        `${only.sealed.bytes} bytes are more than the log takes`,
      ).toInfo();
      const { outputs: _outputs, exec: _exec, ...rest } = result;
      const failed = sealResult({ ...rest, status: "error", error }, only.sealed.bytes);
      void this.#send(buffer, [{ ...only, sealed: failed }]);
    }
  }

  /** A message of the buffer is off its way. */
  #settled(buffer: Buffer): void {
    buffer.open--;
    if (buffer.open === 0) this.#empty(buffer);
  }

  #acked(message: readonly Pending[]): void {
    this.#unacked -= message.length;
    for (const { onAcked } of message) onAcked();
    if (this.#unacked === 0) for (const done of this.#idle.splice(0)) done();
  }
}

function subjectFor(type: string, message: readonly Pending[]): string {
  const partition = message[0]?.partition ?? 0;
  const isOfOne = message.every((pending) => pending.partition === partition);
  return isOfOne ? subjects.result(type, partition) : subjects.sharedResult(type);
}

function encode(type: string, message: readonly Pending[]): string {
  const results = message.map(({ sealed }) => sealed.json).join(",");
  return `{"v":${WIRE_VERSION},"type":${JSON.stringify(type)},"results":[${results}]}`;
}

/**
 * The same for the same results: of two copies the log keeps one. Only who was sent the work can tell it beforehand:
 * otherwise somebody could have a result dropped as a duplicate of his own.
 */
function messageId(message: readonly Pending[]): string {
  const ids = message.map(({ sealed: { result } }) =>
    result.token === undefined ? result.id : `${result.id}~${result.token}`,
  );
  return ids.length === 1 ? asMessageId(ids[0] ?? "") : hash("sha256", ids.join("\n"), "base64url");
}

/** Whether it already says that its own outputs were too large: dividing it again would change nothing. */
function isRefusal(message: readonly Pending[]): boolean {
  return message.length === 1 && message[0]?.sealed.result.error?.code === "PayloadTooLarge";
}

function isTooLarge(problem: unknown): boolean {
  if (problem instanceof JetStreamApiError) return problem.code === MESSAGE_TOO_LARGE;
  return problem instanceof errors.InvalidArgumentError && problem.message.includes("max_payload");
}
