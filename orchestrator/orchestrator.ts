/**
 * The orchestrator: takes its share of the partitions and drives their runs; takes submissions and fired timers off
 * their queues, as all orchestrators do together.
 *
 * O1. It drives a partition only while it holds the lease. Two that both believe so do no harm (DESIGN §1).
 * O2. Stopping hands over: what was folded is checkpointed, the lease is given back.
 */
import { randomUUID } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ensureTopology, RefusalCounter, type Topology, type TopologyOptions } from "../nats/index.ts";
import { CheckpointStore, LeaseManager, NodeCatalog, RunLog, VariableStore } from "../store/index.ts";
import { Checkpointer } from "./checkpointer.ts";
import { CommandSink } from "./command-sink.ts";
import { Emitter } from "./emitter.ts";
import { GraphCache } from "./graph-cache.ts";
import { Intake } from "./intake.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { PartitionDriver } from "./partition-driver.ts";
import type { Run } from "./run/fold.ts";
import { RunEndings } from "./run-endings.ts";
import { StarvationWatch } from "./starvation-watch.ts";
import { Timers } from "./timers.ts";

export interface OrchestratorOptions {
  readonly nc: NatsConnection;
  /** Tells replicas apart. Default: random. */
  readonly id?: string;
  /** Default: set up, or as it was set up. */
  readonly topology?: Topology;
  /** How streams are set up when they are not there yet. */
  readonly topologyOptions?: TopologyOptions;
  /** Default: none. */
  readonly logger?: Logger;
}

export interface Orchestrator extends AsyncDisposable {
  readonly id: string;
  /** Partitions that it drives now. */
  readonly partitions: readonly number[];
  /** Runs in memory. */
  readonly activeRuns: number;
  /** Messages that were refused, by subject family. */
  readonly refusals: RefusalCounter;
  /** Resolves when every partition it holds has caught up with its log. */
  ready(): Promise<void>;
  /** Hands everything over and ends. */
  stop(): Promise<void>;
}

interface Driven {
  readonly driver: PartitionDriver;
  readonly checkpointer: Checkpointer;
}

/** Starts an orchestrator; it holds its first partitions when this resolves. */
export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { nc } = options;
  const topology = options.topology ?? (await ensureTopology(nc, options.topologyOptions));
  const [jsm, variables, catalog, checkpoints, log] = await Promise.all([
    jetstreamManager(nc, { checkAPI: false }),
    VariableStore.open(nc),
    NodeCatalog.open(nc),
    CheckpointStore.open(nc),
    RunLog.open(nc, topology.partitions),
  ]);
  const service = new OrchestratorService({
    ...options,
    topology,
    logger: options.logger ?? silentLogger,
    id: options.id ?? `o-${randomUUID().slice(0, 8)}`,
    js: jetstream(nc),
    jsm,
    variables,
    catalog,
    checkpoints,
    log,
  });
  await service.start();
  return service;
}

interface Parts {
  readonly nc: NatsConnection;
  readonly id: string;
  readonly topology: Topology;
  readonly logger: Logger;
  readonly js: ReturnType<typeof jetstream>;
  readonly jsm: Awaited<ReturnType<typeof jetstreamManager>>;
  readonly variables: VariableStore;
  readonly catalog: NodeCatalog;
  readonly checkpoints: CheckpointStore;
  readonly log: RunLog;
}

class OrchestratorService implements Orchestrator {
  readonly id: string;
  readonly refusals = new RefusalCounter();
  readonly #parts: Parts;
  readonly #driven = new Map<number, Driven>();
  readonly #graphs = new GraphCache();
  readonly #timers: Timers;
  readonly #intake: Intake;
  readonly #endings: RunEndings;
  readonly #starvation: StarvationWatch;
  #leases: LeaseManager | undefined;
  #catalogWatch: { stop(): void } | undefined;
  #queueCreated: string;
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#queueCreated = parts.topology.queueCreated;
    const { nc, js, jsm, logger, variables, catalog, topology } = parts;
    this.#timers = new Timers({ js, jsm, logger });
    this.#endings = new RunEndings({ nc, variables });
    this.#starvation = new StarvationWatch({ nc, jsm, logger, runs: () => this.#runs() });
    this.#intake = new Intake({
      nc,
      js,
      jsm,
      logger,
      variables,
      partitions: topology.partitions,
      submitCreated: topology.submitCreated,
      types: () => catalog.types,
      refusals: this.refusals,
    });
  }

  get partitions(): readonly number[] {
    return [...this.#driven.keys()].sort((a, b) => a - b);
  }

  get activeRuns(): number {
    let sum = 0;
    for (const { driver } of this.#driven.values()) sum += driver.runs.size;
    return sum;
  }

  async start(): Promise<void> {
    const { nc, catalog, topology, logger } = this.#parts;
    const watch = await catalog.watch();
    this.#catalogWatch = watch;
    this.#leases = await LeaseManager.open(nc, {
      id: this.id,
      partitions: topology.partitions,
      onAcquired: (partition) => this.#acquire(partition).catch((error) => this.#failedToAcquire(partition, error)),
      onLost: (partition) => this.#release(partition, true),
    });
    await Promise.all([watch.ready, this.#leases.start(), this.#timers.start()]);
    await this.#intake.start();
    this.#starvation.start();
    void this.#watchConnection();
    logger.info({ orchestrator: this.id, partitions: this.partitions }, "the orchestrator is up");
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#driven.values()].map(({ driver }) => driver.untilLive()));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#starvation.stop();
    this.#catalogWatch?.stop();
    await Promise.all([this.#intake.stop(), this.#timers.stop()]);
    await this.#leases?.releaseAll();
    await Promise.all([...this.#driven.keys()].map((partition) => this.#release(partition, true)));
  }

  *#runs(): Iterable<Run> {
    for (const { driver } of this.#driven.values()) yield* driver.runs.values();
  }

  async #acquire(partition: number): Promise<void> {
    if (this.#driven.has(partition) || this.#stopped) return;
    const { nc, js, checkpoints, log, logger, id } = this.#parts;
    const { checkpoint, revision } = await checkpoints.read(partition);
    const queueLost = checkpoint !== undefined && checkpoint.queue_created !== this.#queueCreated;
    const emitter = new Emitter(
      { js, logger, maxPayload: () => nc.info?.max_payload ?? 1_048_576 },
      checkpoint?.emitted_through ?? 0,
    );
    const sink = new CommandSink({
      nc,
      partition,
      emitter,
      logger,
      timers: this.#timers,
      endings: this.#endings,
    });
    const driver = new PartitionDriver({
      partition,
      log,
      emitter,
      sink,
      logger,
      graphs: this.#graphs,
      checkpoint,
      queueLost,
    });
    const checkpointer = new Checkpointer({
      store: checkpoints,
      driver,
      owner: id,
      queueCreated: () => this.#queueCreated,
      revision,
      logger,
      onTakenOver: () => void this.#takenOver(partition),
    });
    if (this.#stopped) return;
    this.#driven.set(partition, { driver, checkpointer });
    driver.start();
    checkpointer.start();
  }

  #failedToAcquire(partition: number, error: unknown): void {
    this.#parts.logger.error({ partition, err: error }, "a partition could not be taken; giving it back");
    void this.#leases?.release(partition);
  }

  /** Somebody else wrote the checkpoint: whatever the lease says, the partition is theirs. */
  async #takenOver(partition: number): Promise<void> {
    await this.#release(partition, false);
    await this.#leases?.release(partition);
  }

  /** `handOver`: what was sent is waited for and written down, so that who comes next has nothing to repeat. */
  async #release(partition: number, handOver: boolean): Promise<void> {
    const driven = this.#driven.get(partition);
    if (!driven) return;
    this.#driven.delete(partition);
    const { driver, checkpointer } = driven;
    await driver.stop();
    if (handOver) await driver.emitter.drained(HAND_OVER_MS);
    driver.emitter.stop();
    if (handOver) await checkpointer.stop();
    else checkpointer.abandon();
  }

  /** After a server restart the queue, which lies in memory, may be a new and empty one. */
  async #watchConnection(): Promise<void> {
    const { nc, logger } = this.#parts;
    for await (const status of nc.status()) {
      if (status.type !== "reconnect" || this.#stopped) continue;
      try {
        const topology = await ensureTopology(nc);
        if (topology.queueCreated === this.#queueCreated) continue;
        this.#queueCreated = topology.queueCreated;
        logger.warn(
          { queue_created: topology.queueCreated },
          "the dispatch queue is new; sending again what is in flight",
        );
        for (const { driver } of this.#driven.values()) driver.resendInFlight();
      } catch (error) {
        logger.error({ err: error }, "the streams could not be looked at after a reconnect");
      }
    }
  }
}

/** Longest wait for the PubAcks of what was sent, when a partition is handed over, ms. */
const HAND_OVER_MS = 5_000;
