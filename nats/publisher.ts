/**
 * Publishes to JetStream for those who publish thousands of messages a second. The client's own `js.publish` makes a
 * request object, a deferred and a timer for each message; here one subscription takes all PubAcks and one timer
 * watches over all that is open.
 *
 * B1. A publish settles once: with its PubAck, the server's error, or a TimeoutError.
 * B2. What is open when the connection breaks fails at that moment; what is published without one waits for it, for as
 *     long as its timeout allows (as request-guard.ts has it for requests).
 * B3. What is published in one turn of the event loop leaves at its end, or when it has become much: in order, and in
 *     few writes.
 */
import { JetStreamApiError, PubHeaders } from "@nats-io/jetstream";
import {
  errors,
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Payload,
  TimeoutError,
} from "@nats-io/transport-node";
import { inboxOn } from "./inbox.ts";
import { afterTurn } from "./turn.ts";

export interface PublishOptions {
  /** `Nats-Msg-Id`. */
  readonly msgID?: string;
  readonly headers?: MsgHdrs;
  /** Longest wait for the PubAck, ms. Default 5 000. */
  readonly timeout?: number;
}

/** What JetStream says of a message that it has. */
export interface Stored {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

/** Publishing as the hot path needs it; the client's JetStreamClient is one too. */
export interface Publishes {
  /** @throws JetStreamApiError when the server refuses it; TimeoutError; InvalidArgumentError when it is too large */
  publish(subject: string, payload: Payload, options?: PublishOptions): Promise<Stored>;
}

/** Publishing with all that the connection's own publisher can do. */
export interface ConnectionPublisher extends Publishes {
  /**
   * Sends a message that no stream has to keep, in its place among the others of this turn. It may be lost. `onNobody`
   * is called when the server had nobody to give it to.
   */
  send(subject: string, payload: Payload, onNobody?: () => void): void;
}

interface Open {
  readonly resolve: (ack: Stored) => void;
  readonly reject: (error: unknown) => void;
  /** Instead of both, for a message that no stream has to keep. */
  readonly onNobody?: () => void;
  /** By the monotonic clock, ms. */
  readonly expiresAt: number;
}

/** A message that leaves at the end of this turn. */
interface Letter {
  readonly subject: string;
  readonly payload: Payload;
  readonly head: MsgHdrs | undefined;
  /** Who waits for a PubAck; undefined: nobody, it is not for a stream. */
  readonly open: Open | undefined;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** So much is worth a write of its own. */
const MANY_BYTES = 16 * 1024;
const SWEEP_MS = 250;
/** After this time without a word, somebody has got it. */
const NOBODY_MS = 1_000;
const NO_RESPONDERS = 503;

class Publisher implements ConnectionPublisher {
  readonly #nc: NatsConnection;
  readonly #prefix: string;
  readonly #open = new Map<string, Open>();
  #letters: Letter[] = [];
  #waitingBytes = 0;
  /** While there is no connection: resolves when it is back. */
  #connected: Promise<void> | undefined;
  #markConnected: () => void = () => {};
  #sweeper: NodeJS.Timeout | undefined;
  #serial = 0;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#prefix = `${inboxOn(nc)}.`;
    nc.subscribe(`${this.#prefix}*`, { callback: (error, msg) => (error ? undefined : this.#take(msg)) });
    void this.#follow();
  }

  publish(subject: string, payload: Payload, options: PublishOptions = {}): Promise<Stored> {
    const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    if (this.#connected) return this.#publishOnceConnected(this.#connected, subject, payload, options);
    return new Promise<Stored>((resolve, reject) => {
      const expiresAt = performance.now() + timeoutMs;
      const head = options.headers ?? (options.msgID === undefined ? undefined : headers());
      if (head && options.msgID !== undefined) head.set(PubHeaders.MsgIdHdr, options.msgID);
      this.#put({ subject, payload, head, open: { resolve, reject, expiresAt } });
    });
  }

  send(subject: string, payload: Payload, onNobody?: () => void): void {
    const expiresAt = performance.now() + NOBODY_MS;
    const open = onNobody && { resolve: ignore, reject: ignore, onNobody, expiresAt };
    this.#put({ subject, payload, head: undefined, open });
  }

  async #publishOnceConnected(
    connected: Promise<void>,
    subject: string,
    payload: Payload,
    options: PublishOptions,
  ): Promise<Stored> {
    const begun = performance.now();
    const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    await within(connected, timeoutMs);
    return this.publish(subject, payload, {
      ...options,
      timeout: Math.max(1, timeoutMs - (performance.now() - begun)),
    });
  }

  #put(letter: Letter): void {
    if (this.#letters.length === 0) afterTurn(this.#post);
    this.#letters.push(letter);
    this.#waitingBytes += letter.payload.length;
    if (this.#waitingBytes >= MANY_BYTES) this.#post();
  }

  /** B3. */
  readonly #post = (): void => {
    const letters = this.#letters;
    this.#letters = [];
    this.#waitingBytes = 0;
    for (const { subject, payload, head, open } of letters) {
      try {
        if (!open) {
          this.#nc.publish(subject, payload);
          continue;
        }
        const token = (++this.#serial).toString(36);
        const reply = this.#prefix + token;
        this.#nc.publish(subject, payload, head ? { reply, headers: head } : { reply });
        this.#open.set(token, open);
        this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
      } catch (error) {
        // The connection is closed, or the message too large: news are lost, whoever waits is told.
        open?.reject(error);
      }
    }
  };

  #take(msg: Msg): void {
    const token = msg.subject.slice(this.#prefix.length);
    const open = this.#open.get(token);
    if (!open) return;
    this.#open.delete(token);
    if (msg.data.length === 0) {
      const code = msg.headers?.code;
      if (open.onNobody) open.onNobody();
      else if (code === NO_RESPONDERS) open.reject(new errors.NoRespondersError(msg.subject));
      else open.reject(new TimeoutError({ cause: new Error(`status ${code}`) }));
      return;
    }
    try {
      const ack = msg.json<Partial<Stored> & { error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
      if (ack.error) open.reject(new JetStreamApiError(ack.error));
      else open.resolve({ stream: ack.stream ?? "", seq: ack.seq ?? 0, duplicate: ack.duplicate === true });
    } catch (error) {
      open.reject(error);
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const [token, open] of this.#open) {
      if (open.expiresAt > now) continue;
      this.#open.delete(token);
      open.reject(new TimeoutError());
    }
    if (this.#open.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#nc.status()) {
      if (type === "disconnect") {
        this.#connected ??= new Promise((done) => {
          this.#markConnected = done;
        });
        this.#failAll("the connection broke");
      } else if (type === "reconnect") this.#reconnected();
    }
    this.#reconnected();
    this.#failAll("the connection is closed");
  }

  #reconnected(): void {
    this.#connected = undefined;
    this.#markConnected();
  }

  #failAll(why: string): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { reject } of open) reject(new TimeoutError({ cause: new Error(why) }));
  }
}

const publishers = new WeakMap<NatsConnection, Publisher>();

/** The publisher of a connection: one each. */
export function publisherOn(nc: NatsConnection): ConnectionPublisher {
  let publisher = publishers.get(nc);
  if (!publisher) {
    publisher = new Publisher(nc);
    publishers.set(nc, publisher);
  }
  return publisher;
}

function ignore(): void {}

/** @throws TimeoutError when the connection is not back in time */
export async function within(awaited: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError({ cause: new Error("no connection") })), timeoutMs);
  });
  try {
    await Promise.race([awaited, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
