/** Lets at most so many through per second, in the order they came. */
import { setTimeout as delay } from "node:timers/promises";

export class Pacer {
  readonly #windowMs: number;
  readonly #perWindow: number;
  readonly #now: () => number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(maxPerSecond: number, now: () => number = () => performance.now()) {
    this.#windowMs = maxPerSecond >= 1 ? 1_000 : 1_000 / maxPerSecond;
    this.#perWindow = Math.max(1, Math.floor(maxPerSecond));
    this.#now = now;
  }

  /** How long the next one has to wait, ms; its place is taken. */
  claim(): number {
    const now = this.#now();
    if (now >= this.#windowStart + this.#windowMs) {
      this.#windowStart = now;
      this.#count = 0;
    } else if (this.#count >= this.#perWindow) {
      this.#windowStart += this.#windowMs;
      this.#count = 0;
    }
    this.#count++;
    return Math.max(0, this.#windowStart - now);
  }

  /** Resolves when it is the caller's turn, or when `signal` aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    const waitMs = this.claim();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}
