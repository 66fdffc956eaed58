/**
 * A figure that follows from the headers of a stream, kept up to date by reading on from where it was: the first look reads
 * all headers, each later one only what is new. It is a cache: any process comes to the same.
 */
import { type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { readBounded } from "../store/index.ts";

export interface HeaderFoldOptions {
  readonly nc: NatsConnection;
  readonly stream: string;
  readonly filter: string;
  readonly take: (message: JsMsg) => void;
}

export class HeaderFold {
  readonly #options: HeaderFoldOptions;
  #through = 0;
  #reading: Promise<void> | undefined;

  constructor(options: HeaderFoldOptions) {
    this.#options = options;
  }

  /** Resolves when everything that was there at the call has been taken. */
  async catchUp(): Promise<void> {
    // One that is under way may have begun before the caller's own write.
    await this.#reading?.catch(() => undefined);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { nc, stream, filter, take } = this.#options;
    const read = { stream, filter, fromSeq: this.#through + 1, headersOnly: true };
    for await (const message of readBounded(jetstream(nc), read)) {
      // Only forwards: what is read again after a break was taken already.
      if (message.seq <= this.#through) continue;
      take(message);
      this.#through = message.seq;
    }
  }
}
