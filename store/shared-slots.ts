/**
 * A semaphore that all processes on a server share: `max` slots per name, each an entry in `rayflow_limits`.
 *
 * H1. A slot has one holder: it is taken by compare-and-set on its entry.
 * H2. A holder renews its slot; when it dies the server lets the entry expire, by its own clock, and others hear of it.
 * H3. Callers of this process get slots in the order in which they asked.
 * H4. Names that nobody limits cost nothing: the watch of a name begins with its first caller.
 */
import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { BUCKETS, safeToken } from "../nats/index.ts";
import { type BucketWatch, isConflict, watchBucket } from "./bucket.ts";
import type { LimitsBucket } from "./limits-bucket.ts";

const SLOT_TTL_MS = 15_000;
/** A lost word of a slot that became free is made up for by looking again, ms. */
const LOOK_AGAIN_MS = 2_000;

export interface Wait {
  readonly signal: AbortSignal;
  /** When it is no longer worth waiting, ms since 1970. */
  readonly until: number;
}

export interface Slot {
  release(): Promise<void>;
}

interface SeenSlot {
  revision: number;
  taken: boolean;
}

/** What this process knows of one name. */
interface Name {
  readonly key: string;
  readonly seen: Map<number, SeenSlot>;
  readonly wakers: Set<() => void>;
  watch: Promise<BucketWatch> | undefined;
  queue: Promise<unknown>;
}

interface Held {
  readonly name: Name;
  readonly at: number;
  revision: number;
}

export class SharedSlots {
  readonly #nc: NatsConnection;
  readonly #bucket: LimitsBucket;
  readonly #ttlMs: number;
  readonly #names = new Map<string, Name>();
  readonly #held = new Set<Held>();
  readonly #holder = randomBytes(6).toString("hex");
  #renewal: NodeJS.Timeout | undefined;

  /** `ttlMs`: how long a slot outlives a holder that died. */
  constructor(nc: NatsConnection, bucket: LimitsBucket, ttlMs: number = SLOT_TTL_MS) {
    this.#nc = nc;
    this.#bucket = bucket;
    this.#ttlMs = ttlMs;
  }

  /** How many slots of a name are taken, by anyone; 0 for a name that this process has not asked for yet. */
  taken(name: string): number {
    const known = this.#names.get(name);
    return known === undefined ? 0 : [...known.seen.values()].filter(({ taken }) => taken).length;
  }

  /**
   * Waits for one of `max` slots.
   * @throws LimitReached when none became free in time; the signal's reason
   */
  async take(name: string, max: number, wait: Wait): Promise<Slot> {
    const known = this.#nameOf(name);
    known.watch ??= watchBucket(
      this.#nc,
      BUCKETS.limits,
      ({ key, value, revision }) => this.#see(known, Number(key.slice(known.key.length + 1)), value, revision),
      `${known.key}.*`,
    );
    known.watch.catch(() => {
      known.watch = undefined;
    });
    await (await known.watch).ready;
    const mine = known.queue.then(() => this.#takeNext(known, name, max, wait));
    known.queue = mine.catch(() => {});
    return mine;
  }

  /** Gives back what is held and stops watching. */
  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await Promise.all([...this.#held].map((held) => this.#release(held)));
    for (const { watch } of this.#names.values()) void watch?.then((one) => one.stop());
  }

  #nameOf(name: string): Name {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const made: Name = {
      key: `slot.${safeToken(name)}`,
      seen: new Map(),
      wakers: new Set(),
      watch: undefined,
      queue: Promise.resolve(),
    };
    this.#names.set(name, made);
    return made;
  }

  #see(name: Name, at: number, value: Uint8Array | undefined, revision: number): void {
    const before = name.seen.get(at);
    if (before !== undefined && before.revision > revision) return;
    name.seen.set(at, { revision, taken: value !== undefined });
    if (value === undefined) for (const wake of [...name.wakers]) wake();
  }

  async #takeNext(name: Name, label: string, max: number, wait: Wait): Promise<Slot> {
    for (;;) {
      wait.signal.throwIfAborted();
      // Everybody begins elsewhere, so that not all try the same one.
      const offset = Math.floor(Math.random() * max);
      for (let step = 0; step < max; step++) {
        const at = (offset + step) % max;
        if (name.seen.get(at)?.taken) continue;
        const held = await this.#tryTake(name, at);
        if (held !== undefined) return { release: () => this.#release(held) };
      }
      if (Date.now() >= wait.until) {
        throw new RayflowError("LimitReached", `${label}: all ${max} places are taken`, { retryable: true });
      }
      await change(name, wait);
      await this.#lookAgain(name, max);
    }
  }

  /** The watch may be behind, or have lost a marker while the connection was away. */
  async #lookAgain(name: Name, max: number): Promise<void> {
    if ([...name.seen.values()].filter(({ taken }) => taken).length < max) return;
    for (let at = 0; at < max; at++) {
      const { data, revision } = await this.#bucket.read(`${name.key}.${at}`);
      this.#see(name, at, data, revision);
    }
  }

  async #tryTake(name: Name, at: number): Promise<Held | undefined> {
    const key = `${name.key}.${at}`;
    for (let again = 0; again < 2; again++) {
      try {
        const last = name.seen.get(at)?.revision ?? 0;
        const revision = await this.#bucket.write(key, { v: 1, holder: this.#holder }, this.#ttlMs, last);
        name.seen.set(at, { revision, taken: true });
        const held = { name, at, revision };
        this.#held.add(held);
        this.#renewal ??= setInterval(() => void this.#renew(), this.#ttlMs / 3).unref();
        return held;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const { data, revision } = await this.#bucket.read(key);
        name.seen.set(at, { revision, taken: data !== undefined });
        if (data !== undefined) return undefined;
      }
    }
    return undefined;
  }

  async #renew(): Promise<void> {
    await Promise.all(
      [...this.#held].map(async (held) => {
        const key = `${held.name.key}.${held.at}`;
        try {
          const value = { v: 1, holder: this.#holder };
          held.revision = await this.#bucket.write(key, value, this.#ttlMs, held.revision);
        } catch (error) {
          // It expired meanwhile (a long pause) and may be another's: nothing of ours is left to give back.
          if (isConflict(error)) this.#held.delete(held);
        }
      }),
    );
  }

  async #release(held: Held): Promise<void> {
    if (!this.#held.delete(held)) return;
    if (this.#held.size === 0) {
      clearInterval(this.#renewal);
      this.#renewal = undefined;
    }
    // When it cannot be said it expires.
    await this.#bucket.remove(`${held.name.key}.${held.at}`, held.revision).catch(() => {});
  }
}

/** Resolves when a slot of the name became free, perhaps; when it is time to look; or when the wait is over. */
function change(name: Name, { signal, until }: Wait): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      name.wakers.delete(done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, Math.min(LOOK_AGAIN_MS, until - Date.now())));
    signal.addEventListener("abort", done, { once: true });
    name.wakers.add(done);
  });
}
