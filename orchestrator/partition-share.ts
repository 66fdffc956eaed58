/**
 * The partitions of this orchestrator: takes what the leases give it, gives back what they take, keeps the drivers at
 * their regular chores.
 *
 * O1. It drives a partition only while it holds the lease. Two that both believe so do no harm (DESIGN §1).
 * O2. Giving back hands over: what was folded is checkpointed before the lease is free.
 */
import { LeaseManager } from "../store/index.ts";
import { DrivenPartition, type DrivenPartitionOptions } from "./driven-partition.ts";
import type { PartitionDriver } from "./partition-driver.ts";
import { QueueWatch } from "./queue-watch.ts";

/** How often runs without news are put to rest, ms: as often as they may be without news, within these bounds. */
const SHORTEST_REST_ROUND_MS = 50;
const LONGEST_REST_ROUND_MS = 2_000;

export interface PartitionShareOptions extends Omit<DrivenPartitionOptions, "queueCreated" | "isHeld" | "onTakenOver"> {
  readonly partitions: number;
  /** When the dispatch queue was made, ISO 8601. */
  readonly queueCreated: string;
  /** A partition changed hands. */
  readonly onLease: (change: LeaseChange) => void;
}

/** `failed`: it was acquired and could not be driven. */
export type LeaseChange = "acquired" | "lost" | "released" | "failed";

export class PartitionShare {
  readonly #options: PartitionShareOptions;
  readonly #driven = new Map<number, DrivenPartition>();
  readonly #queue: QueueWatch;
  #leases: LeaseManager | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PartitionShareOptions) {
    this.#options = options;
    this.#queue = new QueueWatch({
      nc: options.nc,
      logger: options.logger,
      created: options.queueCreated,
      onLost: async () => {
        for (const driver of this.drivers) await driver.resendInFlight();
      },
    });
  }

  get driven(): readonly DrivenPartition[] {
    return [...this.#driven.values()];
  }

  get drivers(): readonly PartitionDriver[] {
    return [...this.#driven.values()].map(({ driver }) => driver);
  }

  get partitions(): readonly number[] {
    return [...this.#driven.keys()].sort((a, b) => a - b);
  }

  /** Resolves when the partitions that are free and due to this orchestrator are taken. */
  async start(): Promise<void> {
    const { nc, owner, partitions, logger } = this.#options;
    this.#leases = await LeaseManager.open(nc, {
      id: owner,
      partitions,
      onAcquired: (partition) =>
        this.#acquire(partition).catch((error) => {
          logger.error({ partition, err: error }, "a partition could not be taken; giving it back");
          this.#options.onLease("failed");
          void this.#leases?.release(partition);
        }),
      onLost: (partition, why) => this.#release(partition, { handOver: true, why }),
    });
    await this.#leases.start();
    this.#queue.start();
    const restRoundMs = Math.min(
      LONGEST_REST_ROUND_MS,
      Math.max(SHORTEST_REST_ROUND_MS, this.#options.restAfterMs ?? LONGEST_REST_ROUND_MS),
    );
    this.#restTimer = setInterval(() => {
      for (const driver of this.drivers) void driver.putToRest();
    }, restRoundMs);
    this.#restTimer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#restTimer);
    this.#queue.stop();
    await this.#leases?.releaseAll();
    await Promise.all(
      [...this.#driven.keys()].map((partition) => this.#release(partition, { handOver: true, why: "released" })),
    );
  }

  async #acquire(partition: number): Promise<void> {
    if (this.#driven.has(partition) || this.#stopped) return;
    const driven = await DrivenPartition.take(partition, {
      ...this.#options,
      queueCreated: () => this.#queue.created,
      isHeld: () => this.#leases?.isHeld(partition) ?? false,
      onTakenOver: () => void this.#takenOver(partition),
    });
    if (this.#stopped) return;
    this.#driven.set(partition, driven);
    this.#options.onLease("acquired");
    driven.start();
  }

  /** Somebody else wrote the checkpoint: whatever the lease says, the partition is theirs. */
  async #takenOver(partition: number): Promise<void> {
    await this.#release(partition, { handOver: false, why: "lost" });
    await this.#leases?.release(partition);
  }

  async #release(
    partition: number,
    { handOver, why }: { readonly handOver: boolean; readonly why: LeaseChange },
  ): Promise<void> {
    const driven = this.#driven.get(partition);
    if (!driven) return;
    this.#driven.delete(partition);
    this.#options.onLease(why);
    await driven.stop({ handOver });
  }
}
