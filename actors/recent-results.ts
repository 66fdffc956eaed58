/**
 * The last results of this process that are in the log. Work that comes once more although it was done here is answered
 * with what it gave: an orchestrator that takes over sends again what its predecessor may not have sent, and work
 * that shared a message is not known to the queue by its own id.
 */
import type { SealedResult } from "./sealed-result.ts";

/** Executions that are remembered. */
const MAX_RESULTS = 4_096;
/** A larger result is not: to run once more costs less than to keep it. */
const MAX_RESULT_BYTES = 2_048;

export class RecentResults {
  /** By execution id, oldest first. */
  readonly #results = new Map<string, SealedResult>();

  /** Undefined: not done here, or too long ago, or too large. */
  find(id: string): SealedResult | undefined {
    return this.#results.get(id);
  }

  add(sealed: SealedResult): void {
    if (sealed.json.length > MAX_RESULT_BYTES) return;
    this.#results.set(sealed.result.id, sealed);
    if (this.#results.size <= MAX_RESULTS) return;
    const oldest = this.#results.keys().next();
    if (!oldest.done) this.#results.delete(oldest.value);
  }
}
