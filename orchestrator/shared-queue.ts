/**
 * A work queue that all orchestrators share: each message goes to one of them. What a stopping one has been handed and
 * not begun, it hands back at once; what was on its way to it comes back to the others after ACK_WAIT_MS.
 */
import type { ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";

/** How long the server waits for the ack of a message before another orchestrator gets it, ms. */
export const ACK_WAIT_MS = 5_000;

export interface SharedQueueOptions {
  readonly js: JetStreamClient;
  readonly stream: string;
  readonly consumer: string;
  /** How many messages may be worked on at once. */
  readonly prefetch: number;
  /** Acks, naks or terminates the message; never fails. */
  readonly handle: (msg: JsMsg) => Promise<void>;
}

export class SharedQueue {
  readonly #options: SharedQueueOptions;
  readonly #busy = new Set<Promise<void>>();
  #messages: ConsumerMessages | undefined;
  #stopping = false;

  constructor(options: SharedQueueOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { js, stream, consumer, prefetch } = this.#options;
    const bound = await js.consumers.get(stream, consumer);
    this.#messages = await bound.consume({ max_messages: prefetch, callback: (msg) => this.#take(msg) });
  }

  /** Takes nothing more and waits for what has begun. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#messages?.stop();
    await Promise.allSettled(this.#busy);
  }

  #take(msg: JsMsg): void {
    if (this.#stopping) return msg.nak();
    const work = this.#options.handle(msg);
    this.#busy.add(work);
    void work.finally(() => this.#busy.delete(work));
  }
}
