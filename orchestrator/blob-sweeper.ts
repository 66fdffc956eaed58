/**
 * Deletes the large values of runs that nobody can look at any more: neither live, nor in the history, which ages and
 * is limited in size. Done by whoever drives partition 0.
 */
import { partitionOf } from "../nats/index.ts";
import type { BlobStore, RunLog, SnapshotStore } from "../store/index.ts";
import type { Logger } from "./logger.ts";

/** How often, ms. */
const INTERVAL_MS = 600_000;
/** Younger ones stay in any case: inputs are stored before their run is submitted. */
const MIN_AGE_MS = 3_600_000;

export interface BlobSweeperOptions {
  readonly blobs: Pick<BlobStore, "sweep">;
  readonly log: Pick<RunLog, "isKnown">;
  readonly snapshots: Pick<SnapshotStore, "find">;
  readonly partitions: number;
  /** Whether it is this orchestrator's turn. */
  readonly isDue: () => boolean;
  readonly logger: Logger;
}

export class BlobSweeper {
  readonly #options: BlobSweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: BlobSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#options.isDue()) this.#working = this.#working.then(() => this.sweep());
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  /** One round. */
  async sweep(minAgeMs = MIN_AGE_MS): Promise<void> {
    const { blobs, logger } = this.#options;
    try {
      const swept = await blobs.sweep((run) => this.#isKept(run), minAgeMs);
      if (swept.length > 0) logger.info({ runs: swept.length }, "large values of runs that are gone were deleted");
    } catch (error) {
      logger.debug({ err: error }, "large values were not swept this time");
    }
  }

  async #isKept(run: string): Promise<boolean> {
    const { log, snapshots, partitions } = this.#options;
    return (await log.isKnown(run)) || (await snapshots.find(partitionOf(run, partitions), run)) !== undefined;
  }
}
