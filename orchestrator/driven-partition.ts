/** One partition in the hands of this orchestrator: its driver, its emitter, its checkpoints, from taking to giving back. */
import type { NatsConnection } from "@nats-io/transport-node";
import { publisherOn } from "../nats/index.ts";
import { type BlobStore, type CheckpointStore, type RunLog, type SnapshotStore, tokensOn } from "../store/index.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { Children } from "./children.ts";
import { CommandSink } from "./command-sink.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Emitter, type EmitterOptions } from "./emitter.ts";
import type { GraphCache } from "./graph-cache.ts";
import type { Logger } from "./logger.ts";
import type { News } from "./news.ts";
import { offloadEntry } from "./offload.ts";
import type { Pace } from "./pace.ts";
import { PartitionDriver } from "./partition-driver.ts";
import type { RunEndings } from "./run-endings.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { RunShelf } from "./run-shelf.ts";
import type { Timers } from "./timers.ts";

/** Longest wait for the PubAcks of what was sent, when a partition is handed over, ms. */
const HAND_OVER_MS = 5_000;
const DEFAULT_MAX_PAYLOAD = 1_048_576;

export interface DrivenPartitionOptions {
  readonly nc: NatsConnection;
  readonly dispatcher: Dispatcher;
  readonly news: News;
  readonly pace: Pace;
  readonly owner: string;
  readonly log: RunLog;
  readonly checkpoints: CheckpointStore;
  readonly snapshots: SnapshotStore;
  readonly blobs: BlobStore;
  readonly graphs: GraphCache;
  readonly timers: Timers;
  readonly endings: RunEndings;
  readonly children: Children;
  readonly metrics: RunMetrics;
  readonly logger: Logger;
  /** When the dispatch queue was made, ISO 8601. */
  readonly queueCreated: () => string;
  readonly restAfterMs: number | undefined;
  /** Whether the lease is held by this moment. */
  readonly isHeld: (partition: number) => boolean;
  readonly onTakenOver: (partition: number) => void;
}

export class DrivenPartition {
  readonly driver: PartitionDriver;
  readonly #checkpointer: Checkpointer;

  private constructor(driver: PartitionDriver, checkpointer: Checkpointer) {
    this.driver = driver;
    this.#checkpointer = checkpointer;
  }

  /** Reads the checkpoint and begins to drive from there. */
  static async take(partition: number, options: DrivenPartitionOptions): Promise<DrivenPartition> {
    const { nc, log, logger, checkpoints, pace, dispatcher, snapshots, graphs, timers, endings, children, blobs } =
      options;
    const { metrics } = options;
    const { checkpoint, revision } = await checkpoints.read(partition);
    const maxPayload = () => nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
    const offload: EmitterOptions["offload"] = (entry, limitBytes) => offloadEntry(blobs, entry, limitBytes);
    const emitter = new Emitter(
      { publisher: publisherOn(nc), dispatcher, logger, maxPayload, offload, tokens: await tokensOn(nc) },
      checkpoint?.emitted_through ?? 0,
    );
    const driver = new PartitionDriver({
      partition,
      log,
      emitter,
      pace,
      logger,
      graphs,
      checkpoint,
      metrics,
      isHeld: () => options.isHeld(partition),
      sink: new CommandSink({ news: options.news, partition, emitter, logger, timers, endings, children, metrics }),
      shelf: new RunShelf({ partition, snapshots, history: log.history, graphs, replayFrom: checkpoint?.replay_from }),
      queueLost: checkpoint !== undefined && checkpoint.queue_created !== options.queueCreated(),
      ...(options.restAfterMs === undefined ? {} : { restAfterMs: options.restAfterMs }),
    });
    const checkpointer = new Checkpointer({
      store: checkpoints,
      driver,
      owner: options.owner,
      queueCreated: options.queueCreated,
      revision,
      logger,
      onTakenOver: () => options.onTakenOver(partition),
    });
    return new DrivenPartition(driver, checkpointer);
  }

  /** How long ago its checkpoint said all that there was to say, ms. */
  get checkpointAgeMs(): number {
    return this.#checkpointer.ageMs;
  }

  start(): void {
    this.driver.start();
    this.#checkpointer.start();
  }

  /** `handOver`: what was sent is waited for and written down, so that who comes next has nothing to repeat. */
  async stop(options: { readonly handOver: boolean }): Promise<void> {
    const { emitter } = this.driver;
    await this.driver.stop();
    if (options.handOver) await emitter.drained(HAND_OVER_MS);
    emitter.stop();
    if (options.handOver) await this.#checkpointer.stop();
    else this.#checkpointer.abandon();
  }
}
