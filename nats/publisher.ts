/**
 * Publishes to JetStream for those who publish thousands of messages a second. The client's own `js.publish` makes a
 * request object, a deferred and a timer for each message; here one subscription takes all PubAcks and one timer
 * watches over all that is open.
 *
 * B1. A publish settles once: with its PubAck, the server's error, or a TimeoutError.
 * B2. What is open when the connection breaks fails at that moment; what is published without one waits for it, for as
 *     long as its timeout allows (as request-guard.ts has it for requests).
 */
import { JetStreamApiError, PubHeaders } from "@nats-io/jetstream";
import {
  createInbox,
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Payload,
  TimeoutError,
} from "@nats-io/transport-node";

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

interface Open {
  readonly resolve: (ack: Stored) => void;
  readonly reject: (error: unknown) => void;
  /** By the monotonic clock, ms. */
  readonly expiresAt: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const SWEEP_MS = 250;
const NO_RESPONDERS = 503;

class Publisher implements Publishes {
  readonly #nc: NatsConnection;
  readonly #prefix: string;
  readonly #open = new Map<string, Open>();
  /** While there is no connection: resolves when it is back. */
  #connected: Promise<void> | undefined;
  #markConnected: () => void = () => {};
  #sweeper: NodeJS.Timeout | undefined;
  #serial = 0;

  constructor(nc: NatsConnection, inboxPrefix: string | undefined) {
    this.#nc = nc;
    this.#prefix = `${createInbox(inboxPrefix)}.`;
    nc.subscribe(`${this.#prefix}*`, { callback: (error, msg) => (error ? undefined : this.#take(msg)) });
    void this.#follow();
  }

  async publish(subject: string, payload: Payload, options: PublishOptions = {}): Promise<Stored> {
    const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    if (this.#connected) await within(this.#connected, timeoutMs);
    return new Promise<Stored>((resolve, reject) => {
      const token = (++this.#serial).toString(36);
      const head = options.headers ?? (options.msgID === undefined ? undefined : headers());
      if (head && options.msgID !== undefined) head.set(PubHeaders.MsgIdHdr, options.msgID);
      const reply = this.#prefix + token;
      this.#nc.publish(subject, payload, head ? { reply, headers: head } : { reply });
      this.#open.set(token, { resolve, reject, expiresAt: performance.now() + timeoutMs });
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    });
  }

  #take(msg: Msg): void {
    const token = msg.subject.slice(this.#prefix.length);
    const open = this.#open.get(token);
    if (!open) return;
    this.#open.delete(token);
    if (msg.data.length === 0) {
      const code = msg.headers?.code;
      const why = code === NO_RESPONDERS ? "no stream takes the subject" : `status ${code}`;
      open.reject(new TimeoutError({ cause: new Error(why) }));
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

/** The publisher of a connection: one each. `inboxPrefix`: as given to the connection; only the first call's counts. */
export function publisherOn(nc: NatsConnection, inboxPrefix?: string): Publishes {
  let publisher = publishers.get(nc);
  if (!publisher) {
    publisher = new Publisher(nc, inboxPrefix);
    publishers.set(nc, publisher);
  }
  return publisher;
}

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
