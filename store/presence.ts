/**
 * Asks a stream which subjects have a message. What is asked while an answer is under way goes with the next request,
 * so that a thousand questions a second are a few hundred requests, and a single one is asked at once.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, TimeoutError } from "@nats-io/transport-node";

/** An answer that breaks off in the middle has no end: after this time it is asked again, ms. */
const ANSWER_MS = 6_000;
/** Most questions of one request; the server takes 1 024. */
const MAX_ASKED = 256;

interface Question {
  /** What the subject must match; wildcards are allowed. */
  readonly filter: string;
  /** Whether a subject answers this question. */
  readonly matches: (subject: string) => boolean;
  readonly resolve: (found: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class Presence {
  readonly #jsm: ReturnType<typeof jetstreamManager>;
  readonly #stream: string;
  #waiting: Question[] = [];
  #asking = false;

  constructor(nc: NatsConnection, stream: string) {
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#stream = stream;
  }

  /** Whether a message lies under a subject that the filter takes; `matches` tells its subjects from others'. */
  has(filter: string, matches: (subject: string) => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ filter, matches, resolve, reject });
      if (!this.#asking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#asking = true;
    while (this.#waiting.length > 0) {
      // What else is asked in this turn comes along.
      await Promise.resolve();
      const asked = this.#waiting.splice(0, MAX_ASKED);
      try {
        await within(this.#ask(asked));
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#asking = false;
  }

  async #ask(asked: readonly Question[]): Promise<void> {
    const { direct } = await this.#jsm;
    const [only] = asked;
    if (asked.length === 1 && only) {
      const last = await direct.getMessage(this.#stream, { last_by_subj: only.filter });
      return only.resolve(last !== null);
    }
    const found: string[] = [];
    const filters = asked.map(({ filter }) => filter);
    for await (const { subject } of await direct.getLastMessagesFor(this.#stream, { multi_last: filters })) {
      found.push(subject);
    }
    for (const { matches, resolve } of asked) resolve(found.some(matches));
  }
}

async function within(answer: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError({ cause: new Error("no answer") })), ANSWER_MS);
  });
  try {
    await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
