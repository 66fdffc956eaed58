/**
 * DispatchPuller keeps pull requests open on the durable of every type, hands over what arrives and sends the answers.
 *
 * It is not built on the client's `consume()`, which asks for more as soon as a message arrives and hides what it
 * holds: here the room that is left decides, and every message that lies in this process is in the caller's hands.
 *
 * P1. Of one type, at most `prefetch` messages are asked for or delivered and not begun.
 * P2. A durable or stream that is gone is set up again, with backoff, for as long as the puller lives.
 * P3. An answer is sent only to the incarnation of the stream that the message came from: sequence numbers begin again
 *     in the next one, so an old ack would remove another message.
 * P4. Whatever arrives is handed over, also when it answers a request that was given up.
 */
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { afterTurn, inboxOn, nodeConsumerName, publisherOn, STREAMS } from "../nats/index.ts";
import { answers, type Delivery, deliveryCountOf } from "./delivery.ts";
import { Interrupts } from "./interrupts.ts";

const PULL_EXPIRES_MS = 30_000;
const IDLE_HEARTBEAT_MS = 10_000;
/** Of a type that is asked for and stays silent so long, the requests are taken for lost. */
const SILENCE_MS = 2.5 * IDLE_HEARTBEAT_MS;
const NANOS_PER_MS = 1_000_000;
const SUBJECT_PREFIX = "rayflow.node.";

export interface DispatchPullerOptions {
  readonly nc: NatsConnection;
  readonly types: readonly string[];
  /** P1. */
  readonly prefetch: number;
  /** Makes sure that the queue is there; gives its creation time. */
  readonly ensureQueue: () => Promise<string>;
  /** Makes sure that the durable of this type is there. */
  readonly ensureConsumer: (type: string) => Promise<unknown>;
  readonly onDelivery: (delivery: Delivery) => void;
  /** The queue was lost and set up again: what depends on the server's memory is to be done anew. */
  readonly onNewQueue: () => void;
  readonly logger: Logger;
}

/** What is known of one type. */
interface Source {
  readonly type: string;
  /** Where its pull requests go. */
  readonly subject: string;
  /** Oldest first, as the server answers them. */
  requests: { readonly token: string; left: number }[];
  /** Messages asked for. */
  asked: number;
  /** Messages delivered and not begun. */
  waiting: number;
  heardAt: number;
  recovering: boolean;
}

export class DispatchPuller {
  readonly #options: DispatchPullerOptions;
  readonly #sources = new Map<string, Source>();
  readonly #sourceOfToken = new Map<string, Source>();
  readonly #inbox: string;
  #subscription: Subscription | undefined;
  #serial = 0;
  #epoch = 0;
  #queueCreated: string | undefined;
  #checking: Promise<void> | undefined;
  readonly #interrupts = new Interrupts();
  #connected = true;
  /** False from the loss of the connection until the queue behind the new one is known. */
  #answering = true;
  /** Answers that wait for that. */
  #unsent: { readonly delivery: Delivery; readonly answer: string }[] = [];
  #paused = false;
  #stopped = false;

  constructor(options: DispatchPullerOptions) {
    this.#options = options;
    this.#inbox = inboxOn(options.nc);
    for (const type of options.types) {
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.nodes}.${nodeConsumerName(type)}`;
      const source = { type, subject, requests: [], asked: 0, waiting: 0, heardAt: 0, recovering: false };
      this.#sources.set(type, source);
    }
  }

  /** Sets every durable up, all at once; nothing comes yet. @throws when the server refuses one. */
  async prepare(): Promise<void> {
    await this.#checkQueue();
    await Promise.all(this.#options.types.map((type) => this.#options.ensureConsumer(type)));
    this.#subscription = this.#options.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => (error ? this.#refused(error) : this.#receive(msg)),
    });
  }

  /** Asks for the first messages. */
  start(): void {
    for (const source of this.#sources.values()) this.#refill(source);
  }

  /** Whether the queue is there and every type's durable, as far as is known. */
  get isPulling(): boolean {
    if (this.#stopped || !this.#answering) return false;
    for (const source of this.#sources.values()) if (source.recovering) return false;
    return true;
  }

  /** All entries of a message of this type have begun: there is room for another. */
  begun(type: string): void {
    const source = this.#sources.get(type);
    if (!source) return;
    source.waiting = Math.max(0, source.waiting - 1);
    this.#refill(source);
  }

  /** No new requests while the caller has too much in hand. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const source of this.#sources.values()) this.#refill(source);
  }

  /** Sends an answer for a message, or drops it when the message's queue is no more (P3). */
  answer(delivery: Delivery, answer: string): void {
    if (delivery.epoch !== this.#epoch) return;
    const { nc } = this.#options;
    // An ack leaves with all else of its turn; what is said at the end may be the last before the connection closes.
    if (this.#answering && answer === answers.ack && !this.#stopped) publisherOn(nc).send(delivery.reply, answer);
    else if (this.#answering) nc.publish(delivery.reply, answer);
    else if (answer !== answers.working) this.#unsent.push({ delivery, answer });
  }

  disconnected(): void {
    this.#connected = false;
    this.#answering = false;
  }

  /** The connection is back, perhaps to a server that has lost the queue. */
  async reconnected(): Promise<void> {
    this.#connected = true;
    for (const source of this.#sources.values()) this.#forgetAll(source);
    this.#interrupts.fire();
    for (let failures = 0; !this.#stopped && this.#connected; ) {
      try {
        await this.#checkQueue();
        break;
      } catch (error) {
        failures++;
        const fields = { error: toErrorInfo(error), failures };
        if (failures > 1) this.#options.logger.warn(fields, "the dispatch queue is not back yet: trying again");
        await this.#interrupts.backOff(failures);
      }
    }
    // A durable that is gone answers a request with 503, which sets it up again.
    for (const source of this.#sources.values()) this.#refill(source);
  }

  /** To be called now and then: finds requests that were lost without a word. */
  checkSilence(): void {
    if (!this.#answering) return;
    const now = performance.now();
    for (const source of this.#sources.values()) {
      if (source.asked > 0 && now - source.heardAt > SILENCE_MS) void this.#recover(source, "silent");
    }
  }

  /** Asks for nothing more; resolves when what was on its way has arrived and been handed over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#interrupts.fire();
    const { nc } = this.#options;
    if (!this.#subscription) return;
    if (!this.#answering || nc.isClosed()) {
      this.#subscription.unsubscribe();
      return;
    }
    await Promise.race([this.#subscription.drain(), nc.closed(), this.#giveUp(2_000)]).catch(() => {});
  }

  #giveUp(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms).unref());
  }

  #receive(msg: Msg): void {
    const deliveryCount = msg.reply === undefined ? undefined : deliveryCountOf(msg.reply);
    if (msg.reply === undefined || deliveryCount === undefined) {
      this.#status(msg);
      return;
    }
    const type = msg.subject.slice(SUBJECT_PREFIX.length);
    const source = this.#sources.get(type);
    if (source) {
      source.heardAt = performance.now();
      source.waiting++;
      this.#spend(source);
    }
    this.#options.onDelivery({ type, data: msg.data, reply: msg.reply, deliveryCount, epoch: this.#epoch });
    if (source) this.#refill(source);
  }

  #spend(source: Source): void {
    const [oldest] = source.requests;
    if (!oldest) return;
    source.asked--;
    oldest.left--;
    if (oldest.left === 0) this.#forget(source, oldest.token);
  }

  #status(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const source = this.#sourceOfToken.get(token);
    if (!source) return;
    source.heardAt = performance.now();
    const code = msg.headers?.code;
    if (code === 100) return;
    this.#forget(source, token);
    if (code === 408) this.#refill(source);
    else void this.#recover(source, `${code} ${msg.headers?.description ?? ""}`);
  }

  #forget(source: Source, token: string): void {
    const request = source.requests.find((open) => open.token === token);
    if (request) source.asked -= request.left;
    source.requests = source.requests.filter((open) => open.token !== token);
    this.#sourceOfToken.delete(token);
  }

  #forgetAll(source: Source): void {
    for (const { token } of source.requests) this.#sourceOfToken.delete(token);
    source.requests = [];
    source.asked = 0;
  }

  /** Asks for as many as there is room for, once half of the room is free. */
  #refill(source: Source): void {
    if (this.#stopped || this.#paused || !this.#answering || source.recovering) return;
    const { prefetch, nc } = this.#options;
    const taken = source.asked + source.waiting;
    if (taken > prefetch / 2) return;
    const batch = prefetch - taken;
    const token = `${++this.#serial}`;
    source.requests.push({ token, left: batch });
    source.asked += batch;
    source.heardAt = performance.now();
    this.#sourceOfToken.set(token, source);
    const request = {
      batch,
      expires: PULL_EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS * NANOS_PER_MS,
    };
    // With all else of this turn in one write; not once nobody listens to the inbox any more.
    afterTurn(() => {
      if (this.#stopped || nc.isClosed()) return;
      nc.publish(source.subject, JSON.stringify(request), { reply: `${this.#inbox}.${token}` });
    });
  }

  /** Sets the source up again, however long it takes (P2). */
  async #recover(source: Source, why: string): Promise<void> {
    if (source.recovering || this.#stopped) return;
    source.recovering = true;
    this.#forgetAll(source);
    this.#options.logger.debug({ type: source.type, why }, "setting the queue's consumer up again");
    for (let failures = 0; !this.#stopped; ) {
      try {
        await this.#checkQueue();
        await this.#interrupts.race(this.#options.ensureConsumer(source.type));
        break;
      } catch (error) {
        failures++;
        const fields = { type: source.type, why, error: toErrorInfo(error) };
        if (this.#connected) this.#options.logger.warn(fields, "the queue's consumer is not back yet: trying again");
        await this.#interrupts.backOff(failures);
      }
    }
    source.recovering = false;
    this.#refill(source);
  }

  /** Looks whether the queue is still the same one; of several callers at once, one asks. */
  #checkQueue(): Promise<void> {
    this.#checking ??= this.#lookAtQueue().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** @throws ConnectionFailed when the connection went in between: what was seen may be of the server before. */
  async #lookAtQueue(): Promise<void> {
    const created = await this.#interrupts.race(this.#options.ensureQueue());
    if (!this.#connected) throw new RayflowError("ConnectionFailed", "the connection was lost");
    const isNew = this.#queueCreated !== undefined && created !== this.#queueCreated;
    this.#queueCreated = created;
    if (isNew) this.#epoch++;
    this.#answering = true;
    for (const { delivery, answer } of this.#unsent.splice(0)) this.answer(delivery, answer);
    if (!isNew) return;
    this.#options.logger.warn({ created }, "the dispatch queue was lost and is set up again");
    for (const source of this.#sources.values()) void this.#recover(source, "new queue");
    this.#options.onNewQueue();
  }

  /** The server refuses the inbox: a permission, so nothing will arrive until somebody changes it. */
  #refused(error: Error): void {
    this.#options.logger.error({ error: toErrorInfo(error) }, "the server refuses this actor its inbox");
  }
}
