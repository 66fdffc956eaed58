/** One partition in the hands of this orchestrator: its driver, its emitter, its checkpoints, from taking to giving back. */
import type { NatsConnection } from "@nats-io/transport-node";
import { publisherOn } from "../nats/index.ts";
import { type BlobStore, type CheckpointStore, type RunLog, type SnapshotStore, tokensOn } from "../store/index.ts";
import type { Tracing } from "../telemetry/index.ts";
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
import type { RunEnds } from "./run-ends.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { RunShelf } from "./run-shelf.ts";
import { RunTracer } from "./run-tracer.ts";
import type { Timers } from "./timers.ts";

/** Longest wait for the PubAcks of what was sent, when a partition is handed over, ms. */
const HAND_OVER_MS = 5_000;
/** Longest wait for the export of spans, ms: who comes next exports again what is not out by then. */
const LAST_SPANS_MS = 1_000;
const DEFAULT_MAX_PAYLOAD = 1_048_576;

export interface DrivenPartitionOptions {
  readonly nc: NatsConnection;
  readonly dispatcher: Dispatcher;
  readonly ends: RunEnds;
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
  /** Where the spans of traced runs go. Default: no run is traced. */
  readonly tracing?: Tracing | undefined;
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
  readonly #tracer: RunTracer | undefined;

  private constructor(driver: PartitionDriver, checkpointer: Checkpointer, tracer: RunTracer | undefined) {
    this.driver = driver;
    this.#tracer = tracer;
    this.#checkpointer = checkpointer;
  }

  /** Reads the checkpoint and begins to drive from there. */
  static async take(partition: number, options: DrivenPartitionOptions): Promise<DrivenPartition> {
    const { nc, log, logger, checkpoints, pace, dispatcher, snapshots, graphs, timers, endings, children, blobs } =
      options;
    const { metrics } = options;
    const { checkpoint, revision } = await checkpoints.read(partition);
    const tracer = options.tracing && new RunTracer(options.tracing, checkpoint?.traced_before ?? 0);
    const maxPayload = () => nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
    const offload: EmitterOptions["offload"] = (entry, limitBytes) => offloadEntry(blobs, entry, limitBytes);
    const emitter = new Emitter(
      {
        publisher: publisherOn(nc),
        dispatcher,
        ends: options.ends,
        logger,
        maxPayload,
        offload,
        tokens: await tokensOn(nc),
      },
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
      shelf: new RunShelf({
        partition,
        snapshots,
        history: log.history,
        graphs,
        replayFrom: checkpoint?.replay_from,
        ...(tracer ? { sendSpans: ({ run, blueprint }) => tracer.partOf(run, blueprint.flow.version) } : {}),
      }),
      tracer,
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
    return new DrivenPartition(driver, checkpointer, tracer);
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
    if (options.handOver) await Promise.all([emitter.drained(HAND_OVER_MS), this.#tracer?.flush(LAST_SPANS_MS)]);
    emitter.stop();
    if (options.handOver) await this.#checkpointer.stop();
    else this.#checkpointer.abandon();
  }
}
