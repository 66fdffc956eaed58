/** Writes runs down: idle ones to take them out of memory, long ones so that the log need not be kept for them. */
import { runFields } from "./log-fields.ts";
import type { Logger } from "./logger.ts";
import type { LiveRun, RunShelf } from "./run-shelf.ts";

/** Most snapshots that are written at once. */
const MAX_WRITING = 32;

export interface RestKeeperOptions {
  /** The runs in memory, by id: what goes to rest is taken out. */
  readonly runs: Map<string, LiveRun>;
  readonly shelf: RunShelf;
  readonly logger: Logger;
}

export class RestKeeper {
  readonly #options: RestKeeperOptions;
  #busy = false;
  #writing = false;
  #stopped = false;

  constructor(options: RestKeeperOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Puts these onto the shelf, unless something comes for them meanwhile. A second call while one is at work does nothing. */
  async putToRest(idle: LiveRun[]): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const next = async (): Promise<void> => {
      for (let live = idle.pop(); live && !this.#stopped; live = idle.pop()) await this.#rest(live);
    };
    await Promise.all(Array.from({ length: MAX_WRITING }, next));
    this.#busy = false;
  }

  /** Writes these down one after the other; they stay in memory. A second call while one is at work does nothing. */
  async writeAllDown(overdue: readonly LiveRun[]): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    for (const live of overdue) if (!this.#stopped && !live.run.result) await this.writeDown(live);
    this.#writing = false;
  }

  /** Writes one down; it stays in memory. False when that failed. */
  async writeDown(live: LiveRun): Promise<boolean> {
    if (live.storing || this.#stopped) return false;
    try {
      await this.#options.shelf.write(live);
      return true;
    } catch (error) {
      this.#options.logger.warn(
        { ...runFields(live.run.id, live.run.details.traceparent), err: error },
        "a snapshot was not written; the run stays in memory",
      );
      return false;
    }
  }

  async #rest(live: LiveRun): Promise<void> {
    const { runs, shelf } = this.#options;
    const { id, details } = live.run;
    const { seq } = details;
    if (!(await this.writeDown(live))) return;
    if (live.run.details.seq !== seq || live.journal.length > 0 || runs.get(id) !== live) return;
    shelf.put(live);
    runs.delete(id);
  }
}
