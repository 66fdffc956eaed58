/**
 * Keeps the hot log as short as the work in flight: cuts off what lies below every partition's `replay_from`. Done by
 * whoever drives partition 0, from what the checkpoints say.
 */
import type { CheckpointStore, RunLog } from "../store/index.ts";
import type { Logger } from "./logger.ts";
import type { PartitionDriver } from "./partition-driver.ts";

const DEFAULT_EVERY_MS = 5_000;

export interface LogTrimmerOptions {
  readonly log: Pick<RunLog, "bounds" | "trim">;
  readonly checkpoints: Pick<CheckpointStore, "readAll">;
  readonly partitions: number;
  readonly drivers: () => Iterable<PartitionDriver>;
  readonly logger: Logger;
  /** How often, ms. Default 5 000. */
  readonly everyMs?: number;
}

export class LogTrimmer {
  readonly #options: LogTrimmerOptions;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: LogTrimmerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#working = this.#working.then(() => this.#round());
    }, this.#options.everyMs ?? DEFAULT_EVERY_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  async #round(): Promise<void> {
    const { log, checkpoints, partitions, drivers, logger } = this.#options;
    try {
      const { firstSeq, lastSeq } = await log.bounds();
      const own = [...drivers()];
      await Promise.all(own.map((driver) => driver.passIdle(lastSeq)));
      if (!own.some((driver) => driver.partition === 0)) return;
      const all = await checkpoints.readAll(partitions);
      let below = lastSeq + 1;
      // A partition that nobody has ever driven may hold anything.
      for (const checkpoint of all) below = Math.min(below, checkpoint?.replay_from ?? 0);
      if (below > firstSeq) await log.trim(below);
    } catch (error) {
      logger.debug({ err: error }, "the log was not trimmed this time");
    }
  }
}
