/** Writes down, about once a second, how far a partition has come. */
import type { Checkpoint, CheckpointStore } from "../store/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import type { PartitionDriver } from "./partition-driver.ts";

/** How often, ms. A recovery folds and may emit again what this much time brought. */
const INTERVAL_MS = 1_000;

export interface CheckpointerOptions {
  readonly store: Pick<CheckpointStore, "write">;
  readonly driver: PartitionDriver;
  readonly owner: string;
  readonly queueCreated: () => string;
  readonly revision: number;
  readonly logger: Logger;
  /** Another orchestrator wrote the checkpoint: the partition is no longer this one's. */
  readonly onTakenOver: () => void;
  /** Default: real time. */
  readonly clock?: Clock;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #revision: number;
  #written: Pick<Checkpoint, "replay_from" | "emitted_through" | "traced_before" | "queue_created"> | undefined;
  readonly #clock: Clock;
  #stopTimer: (() => void) | undefined;
  /** When the checkpoint was known last to say all that there is to say, ms since 1970. */
  #currentAt: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#revision = options.revision;
    this.#currentAt = this.#clock.now();
  }

  /** How long ago the checkpoint said all that there was to say, ms. */
  get ageMs(): number {
    return Math.max(0, this.#clock.now() - this.#currentAt);
  }

  start(): void {
    this.#stopTimer = this.#clock.every(INTERVAL_MS, () => this.#queue());
  }

  /** Writes a last one: who comes next has nothing to repeat. */
  async stop(): Promise<void> {
    this.#stopTimer?.();
    this.#queue();
    await this.#writing;
  }

  /** Ends without a word: the partition is somebody else's. */
  abandon(): void {
    this.#stopTimer?.();
  }

  #queue(): void {
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { store, driver, owner, queueCreated, logger, onTakenOver } = this.#options;
    if (!driver.live) return;
    const next = {
      replay_from: driver.replayFrom,
      emitted_through: driver.emitter.emittedThrough,
      traced_before: driver.tracedBefore,
      queue_created: queueCreated(),
    };
    const last = this.#written;
    if (
      last?.replay_from === next.replay_from &&
      last.emitted_through === next.emitted_through &&
      last.traced_before === next.traced_before &&
      last.queue_created === next.queue_created
    ) {
      this.#currentAt = this.#clock.now();
      return;
    }
    try {
      const content = { ...next, updated_at: new Date(this.#clock.now()).toISOString(), owner };
      this.#revision = await store.write(driver.partition, content, this.#revision);
      this.#written = next;
      this.#currentAt = this.#clock.now();
    } catch (error) {
      logger.warn({ partition: driver.partition, err: error }, "the checkpoint was not written");
      if ((error as { code?: unknown }).code === "StoreConflict") onTakenOver();
    }
  }
}
