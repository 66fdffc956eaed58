/**
 * Notices that the dispatch queue is a new one. It lies in memory: it goes with a server that restarts, or with its
 * leader, and whoever comes first sets it up again, empty.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { ensureTopology } from "../nats/index.ts";
import type { Logger } from "./logger.ts";

/** How often it is looked at besides after a reconnect, ms. */
const INTERVAL_MS = 5_000;
const RETRY_MS = 250;

export interface QueueWatchOptions {
  readonly nc: NatsConnection;
  readonly logger: Logger;
  /** When the queue was made that is known, ISO 8601. */
  readonly created: string;
  /** What was in the queue is gone. */
  readonly onLost: () => Promise<void>;
}

export class QueueWatch {
  readonly #options: QueueWatchOptions;
  #created: string;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopped = false;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
    this.#created = options.created;
  }

  /** When the queue was made, ISO 8601. */
  get created(): string {
    return this.#created;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), INTERVAL_MS);
    this.#timer.unref();
    void this.#watchConnection();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.nc.status()) {
      if (this.#stopped) return;
      if (status.type === "reconnect") void this.#look();
    }
  }

  /** Until the server answers: a queue that is not there stops all work. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { nc, logger } = this.#options;
    while (!this.#stopped && !nc.isClosed()) {
      try {
        const { queueCreated } = await ensureTopology(nc);
        if (queueCreated !== this.#created) {
          this.#created = queueCreated;
          logger.warn({ queue_created: queueCreated }, "the dispatch queue is new; sending again what is in flight");
          await this.#options.onLost();
        }
        break;
      } catch (error) {
        logger.warn({ err: error }, "the streams cannot be looked at; trying again");
        await new Promise((done) => setTimeout(done, RETRY_MS).unref());
      }
    }
    this.#looking = false;
  }
}
