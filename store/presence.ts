/**
 * Asks a stream whether a subject has a message. One request each: the client's way to ask for many at once
 * (`direct.getLastMessagesFor`) ends the process with a rejection that nobody can catch when the connection breaks in the middle.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

export class Presence {
  readonly #jsm: ReturnType<typeof jetstreamManager>;
  readonly #stream: string;

  constructor(nc: NatsConnection, stream: string) {
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#stream = stream;
  }

  /** Whether a message lies under a subject that the filter takes. */
  async has(filter: string): Promise<boolean> {
    const { direct } = await this.#jsm;
    return (await direct.getMessage(this.#stream, { last_by_subj: filter })) !== null;
  }
}
