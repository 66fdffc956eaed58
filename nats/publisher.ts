/**
 * Publishes and asks for those who do so thousands of times a second. The client's own `request` makes an object, an
 * error, a deferred and a timer for each message, and a write of its own; here one subscription takes all answers and
 * one timer watches over all that is open.
 *
 * B1. A publish settles once: with its PubAck, the server's error, or a TimeoutError. A request likewise with its answer.
 * B2. What is open when the connection breaks fails at that moment: whether the server has acted on it is as unknown as
 *     after any timeout, but the caller may try again at once. What comes without a connection waits for one, for as
 *     long as its timeout allows. The client would let both run into their timeouts.
 * B3. What is sent in one turn of the event loop leaves at its end, or when it has become much: in order, and in few
 *     writes. A write costs both processes as much as several messages do.
 */
import { JetStreamApiError, PubHeaders } from "@nats-io/jetstream";
import {
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Payload,
  type RequestOptions,
  TimeoutError,
} from "@nats-io/transport-node";
import { inboxOn } from "./inbox.ts";
import { outgoingHeaders } from "./outgoing-headers.ts";
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
  /**
   * What `nc.request` gives, in its place among the others of this turn.
   * @throws RequestError when nobody answers the subject, or it is not permitted; TimeoutError
   */
  request(subject: string, payload?: Payload, options?: Pick<RequestOptions, "timeout" | "headers">): Promise<Msg>;
}

interface Open {
  readonly subject: string;
  /** What came for it. */
  readonly take: (msg: Msg) => void;
  readonly reject: (error: unknown) => void;
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

type PermissionViolation = InstanceType<typeof errors.PermissionViolationError>;

const DEFAULT_TIMEOUT_MS = 5_000;
/** The client's own, for requests. */
const REQUEST_TIMEOUT_MS = 1_000;
/** So much is worth a write of its own. */
const MANY_BYTES = 64 * 1024;
const SWEEP_MS = 50;
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
    if (this.#connected) {
      return this.#onceConnected(this.#connected, timeoutMs, (timeout) =>
        this.publish(subject, payload, { ...options, timeout }),
      );
    }
    return new Promise<Stored>((resolve, reject) => {
      const expiresAt = performance.now() + timeoutMs;
      const head = options.headers ?? (options.msgID === undefined ? undefined : outgoingHeaders());
      if (head && options.msgID !== undefined) head.set(PubHeaders.MsgIdHdr, options.msgID);
      const take = (msg: Msg): void => takeAck(msg, resolve, reject);
      this.#put({ subject, payload, head, open: { subject, take, reject, expiresAt } });
    });
  }

  send(subject: string, payload: Payload, onNobody?: () => void): void {
    const expiresAt = performance.now() + NOBODY_MS;
    const take = (msg: Msg): void => (msg.data.length === 0 ? onNobody?.() : undefined);
    const open = onNobody && { subject, take, reject: ignore, expiresAt };
    this.#put({ subject, payload, head: undefined, open });
  }

  request(
    subject: string,
    payload: Payload = "",
    options: Pick<RequestOptions, "timeout" | "headers"> = { timeout: REQUEST_TIMEOUT_MS },
  ): Promise<Msg> {
    const timeoutMs = options.timeout || REQUEST_TIMEOUT_MS;
    if (this.#connected) {
      return this.#onceConnected(this.#connected, timeoutMs, (timeout) =>
        this.request(subject, payload, { ...options, timeout }),
      );
    }
    return new Promise<Msg>((resolve, reject) => {
      const expiresAt = performance.now() + timeoutMs;
      const take = (msg: Msg): void => {
        const isNobody = msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS;
        if (isNobody) reject(refusedBy(new errors.NoRespondersError(subject)));
        else resolve(msg);
      };
      this.#put({ subject, payload, head: options.headers, open: { subject, take, reject, expiresAt } });
    });
  }

  async #onceConnected<T>(
    connected: Promise<void>,
    timeoutMs: number,
    send: (timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const begun = performance.now();
    await within(connected, timeoutMs);
    return send(Math.max(1, timeoutMs - (performance.now() - begun)));
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
    open.take(msg);
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
    for await (const status of this.#nc.status()) {
      const { type } = status;
      if (type === "error" && status.error instanceof errors.PermissionViolationError) this.#refuse(status.error);
      else if (type === "disconnect") {
        this.#connected ??= new Promise((done) => {
          this.#markConnected = done;
        });
        this.#failAll("the connection broke");
      } else if (type === "reconnect") this.#reconnected();
    }
    this.#reconnected();
    this.#failAll("the connection is closed");
  }

  /** The server does not say which message it did not take, only of which subject. */
  #refuse(error: PermissionViolation): void {
    if (error.operation !== "publish") return;
    for (const [token, open] of this.#open) {
      if (open.subject !== error.subject) continue;
      this.#open.delete(token);
      open.reject(refusedBy(error));
    }
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

function takeAck(msg: Msg, resolve: (ack: Stored) => void, reject: (error: unknown) => void): void {
  if (msg.data.length === 0) {
    const code = msg.headers?.code;
    if (code === NO_RESPONDERS) reject(new errors.NoRespondersError(msg.subject));
    else reject(new TimeoutError({ cause: new Error(`status ${code}`) }));
    return;
  }
  try {
    const ack = msg.json<Partial<Stored> & { error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
    if (ack.error) reject(new JetStreamApiError(ack.error));
    else resolve({ stream: ack.stream ?? "", seq: ack.seq ?? 0, duplicate: ack.duplicate === true });
  } catch (error) {
    reject(error);
  }
}

/** As the client wraps it. */
function refusedBy(cause: Error): Error {
  return new errors.RequestError(cause.message, { cause });
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
