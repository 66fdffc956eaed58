/**
 * The last messages of some subjects as they pass, numbered, for those who look at them.
 *
 * R1. It holds a bounded number of them, and of each a bounded part.
 * R2. Who comes back with the number it saw last misses nothing that is still there.
 * R3. It listens while somebody looks, and for a while longer: a gateway that nobody watches takes no messages.
 */
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";

export interface PassedMessage {
  readonly id: number;
  readonly subject: string;
  /** When it passed, ISO 8601. */
  readonly at: string;
  readonly bytes: number;
  /** JSON as it is; other text as text; cut off when it is long. */
  readonly data: unknown;
  readonly cut: boolean;
}

export interface EventRingOptions {
  readonly nc: NatsConnection;
  readonly subjects: readonly string[];
  /** What is many and soon worth nothing: it goes first, and pushes nothing else out. Default: nothing is. */
  readonly isFleeting?: (subject: string) => boolean;
  /** Default 1 000, and as many fleeting ones. */
  readonly size?: number;
  /** How long it goes on listening when nobody looks any more, ms. Default 60 000. */
  readonly lingerMs?: number;
}

const SIZE = 1_000;
const LINGER_MS = 60_000;
const MAX_SHOWN_BYTES = 4 * 1024;

export class EventRing {
  readonly #options: EventRingOptions;
  readonly #size: number;
  #messages: PassedMessage[] = [];
  #last = 0;
  #listening: Subscription[] = [];
  #readers = 0;
  #linger: NodeJS.Timeout | undefined;
  readonly #wakes = new Set<() => void>();

  constructor(options: EventRingOptions) {
    this.#options = options;
    this.#size = options.size ?? SIZE;
  }

  /** What passed after a number and still is there, then what passes, until the signal aborts. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<PassedMessage> {
    this.#enter();
    let wake = (): void => {};
    const call = (): void => wake();
    this.#wakes.add(call);
    signal.addEventListener("abort", call);
    try {
      // A number that is not ours comes from a gateway before: all that there is.
      let seen = after > this.#last ? 0 : after;
      while (!signal.aborted) {
        const next = this.#messages[this.#behind(seen)];
        if (next !== undefined) {
          seen = next.id;
          yield next;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (signal.aborted) resolve();
        });
      }
    } finally {
      signal.removeEventListener("abort", call);
      this.#wakes.delete(call);
      this.#leave();
    }
  }

  stop(): void {
    clearTimeout(this.#linger);
    if (!this.#options.nc.isClosed()) for (const one of this.#listening) one.unsubscribe();
    this.#listening = [];
  }

  #enter(): void {
    this.#readers++;
    clearTimeout(this.#linger);
    if (this.#listening.length > 0) return;
    const { nc, subjects } = this.#options;
    this.#listening = subjects.map((subject) =>
      nc.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) this.#take(message);
        },
      }),
    );
  }

  #leave(): void {
    this.#readers--;
    if (this.#readers > 0) return;
    this.#linger = setTimeout(() => this.stop(), this.#options.lingerMs ?? LINGER_MS).unref();
  }

  #take({ subject, data }: Msg): void {
    this.#last++;
    this.#messages.push({ id: this.#last, subject, at: new Date().toISOString(), bytes: data.length, ...shown(data) });
    // Not for each message: that would move all of them.
    if (this.#messages.length > 3 * this.#size) this.#trim();
    for (const wake of this.#wakes) wake();
  }

  #trim(): void {
    const { isFleeting = () => false } = this.#options;
    const lasting = this.#messages.filter((one) => !isFleeting(one.subject)).slice(-this.#size);
    const fleeting = this.#messages.filter((one) => isFleeting(one.subject)).slice(-this.#size);
    this.#messages = [...lasting, ...fleeting].sort((a, b) => a.id - b.id);
  }

  /** Where the first message behind a number is. */
  #behind(seen: number): number {
    let [from, to] = [0, this.#messages.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#messages[middle]?.id ?? 0) > seen) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

function shown(data: Uint8Array): { data: unknown; cut: boolean } {
  const cut = data.length > MAX_SHOWN_BYTES;
  const text = new TextDecoder().decode(cut ? data.subarray(0, MAX_SHOWN_BYTES) : data);
  if (cut) return { data: text, cut };
  try {
    return { data: JSON.parse(text), cut };
  } catch {
    return { data: text, cut };
  }
}
