/**
 * A semaphore that all processes on a server share: `max` slots per name, each an entry in `rayflow_limits`.
 *
 * H1. A slot has one holder: it is taken by compare-and-set on its entry.
 * H2. A holder renews its slot; when it dies the server lets the entry expire, by its own clock.
 * H3. Callers of this process get slots in the order in which they asked.
 * H4. A free slot costs one write. Who waits looks again and again, and only the first of a process does: a watch would
 *     need a consumer, which an actor may not make.
 */
import { randomBytes } from "node:crypto";
import { RayflowError } from "../flow/index.ts";
import { safeToken } from "../nats/index.ts";
import { isConflict } from "./bucket.ts";
import type { LimitsBucket } from "./limits-bucket.ts";

const SLOT_TTL_MS = 15_000;
const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 500;
/** Slots that are looked at in one go. */
const MOST_LOOKS = 32;
/** For so long what was seen of a slot that others hold says something, ms. */
const BELIEVED_MS = 5_000;

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
  at: number;
}

/** What this process knows of one name. */
interface Name {
  readonly key: string;
  readonly seen: Map<number, SeenSlot>;
  readonly wakers: Set<() => void>;
  queue: Promise<unknown>;
}

interface Held {
  readonly name: Name;
  readonly at: number;
  revision: number;
}

export class SharedSlots {
  readonly #bucket: LimitsBucket;
  readonly #ttlMs: number;
  readonly #names = new Map<string, Name>();
  readonly #held = new Set<Held>();
  readonly #holder = randomBytes(6).toString("hex");
  #renewal: NodeJS.Timeout | undefined;

  /** `ttlMs`: how long a slot outlives a holder that died. */
  constructor(bucket: LimitsBucket, ttlMs: number = SLOT_TTL_MS) {
    this.#bucket = bucket;
    this.#ttlMs = ttlMs;
  }

  /** How many slots of a name are taken: this process's own, and what it saw of others a moment ago. */
  taken(name: string): number {
    const since = Date.now() - BELIEVED_MS;
    const known = this.#names.get(name);
    if (known === undefined) return 0;
    const own = new Set([...this.#held].filter((held) => held.name === known).map(({ at }) => at));
    return [...known.seen].filter(([slot, { taken, at }]) => own.has(slot) || (taken && at > since)).length;
  }

  /**
   * Waits for one of `max` slots.
   * @throws LimitReached when none became free in time; the signal's reason
   */
  take(name: string, max: number, wait: Wait): Promise<Slot> {
    const known = this.#nameOf(name);
    const mine = known.queue.then(() => this.#takeNext(known, name, max, wait));
    known.queue = mine.catch(() => {});
    return mine;
  }

  /** Gives back what is held. */
  async close(): Promise<void> {
    await Promise.all([...this.#held].map((held) => this.#release(held)));
  }

  #nameOf(name: string): Name {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const key = `slot.${safeToken(name)}`;
    const made: Name = { key, seen: new Map(), wakers: new Set(), queue: Promise.resolve() };
    this.#names.set(name, made);
    return made;
  }

  #see(name: Name, slot: number, taken: boolean, revision: number): void {
    const before = name.seen.get(slot);
    // Revision 0: even the marker has gone, so there is nothing newer.
    if (before !== undefined && revision !== 0 && before.revision > revision) return;
    name.seen.set(slot, { revision, taken, at: Date.now() });
  }

  async #takeNext(name: Name, label: string, max: number, wait: Wait): Promise<Slot> {
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(2 * lookMs, LONGEST_LOOK_MS)) {
      wait.signal.throwIfAborted();
      // Everybody begins elsewhere, so that not all try the same one.
      const offset = Math.floor(Math.random() * max);
      const order = Array.from({ length: max }, (_, step) => (offset + step) % max);
      for (const slot of order) {
        if (name.seen.get(slot)?.taken) continue;
        const held = await this.#tryTake(name, slot);
        if (held !== undefined) return { release: () => this.#release(held) };
      }
      if (Date.now() >= wait.until) {
        throw new RayflowError("LimitReached", `${label}: all ${max} places are taken`, { retryable: true });
      }
      await pause(name, Math.random() * lookMs + lookMs / 2, wait);
      await this.#lookAgain(name, order.slice(0, MOST_LOOKS));
    }
  }

  /** Until one is seen that is free. */
  async #lookAgain(name: Name, slots: readonly number[]): Promise<void> {
    for (const slot of slots) {
      if (name.seen.get(slot)?.taken === false) return;
      const { data, revision } = await this.#bucket.read(`${name.key}.${slot}`);
      this.#see(name, slot, data !== undefined, revision);
    }
  }

  async #tryTake(name: Name, slot: number): Promise<Held | undefined> {
    const key = `${name.key}.${slot}`;
    for (let again = 0; again < 2; again++) {
      try {
        const last = name.seen.get(slot)?.revision ?? 0;
        const revision = await this.#bucket.write(key, { v: 1, holder: this.#holder }, this.#ttlMs, last);
        this.#see(name, slot, true, revision);
        const held = { name, at: slot, revision };
        this.#held.add(held);
        this.#renewal ??= setInterval(() => void this.#renew(), this.#ttlMs / 3).unref();
        return held;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const { data, revision } = await this.#bucket.read(key);
        // Markers go too after a while: then the last revision is none, and an older one would never fit again.
        name.seen.set(slot, { revision, taken: data !== undefined, at: Date.now() });
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
    const { name, at } = held;
    // When it cannot be said it expires.
    const marker = await this.#bucket.remove(`${name.key}.${at}`, held.revision).catch(() => undefined);
    if (marker !== undefined) this.#see(name, at, false, marker);
    for (const wake of [...name.wakers]) wake();
  }
}

/** Resolves after so long, when a slot was given back here, or when the wait is over. */
function pause(name: Name, ms: number, { signal, until }: Wait): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      name.wakers.delete(done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, Math.min(ms, until - Date.now())));
    signal.addEventListener("abort", done, { once: true });
    name.wakers.add(done);
  });
}
