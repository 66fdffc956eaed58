/**
 * How many activations of a type may share a dispatch message: as many as are done in a moment, so that what waits for
 * its neighbours in a message waits for nearly nothing. A type that is slow, or of which nothing is known yet, gets a
 * message for each.
 */
import type { NodeResult } from "../nats/index.ts";

/** Most entries of one message. */
export const MAX_ENTRIES = 32;
/** What the entries of one message may take together, if they run one after the other, ms. */
const SHARED_MS = 20;
/** The weight of a new duration against all before it. */
const WEIGHT = 0.1;
const MAX_TYPES = 10_000;

export class Pace {
  /** By type: what an execution takes of late, ms. */
  readonly #means = new Map<string, number>();

  /** Learns from results of one type. */
  observe(type: string, results: readonly Pick<NodeResult, "duration_ms">[]): void {
    let mean = this.#means.get(type);
    for (const { duration_ms } of results) {
      // Slower counts at once, quicker little by little: waiting in a slow queue is worse than a message too many.
      mean = mean === undefined || duration_ms > mean * 4 ? duration_ms : mean + WEIGHT * (duration_ms - mean);
    }
    if (mean === undefined || (this.#means.size >= MAX_TYPES && !this.#means.has(type))) return;
    this.#means.set(type, mean);
  }

  /** How many entries of a type may share a message now: 1 to `MAX_ENTRIES`. */
  limitOf(type: string): number {
    const mean = this.#means.get(type);
    if (mean === undefined) return 1;
    return Math.max(1, Math.min(MAX_ENTRIES, Math.floor(SHARED_MS / Math.max(mean, 0.01))));
  }
}
