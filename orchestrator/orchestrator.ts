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
import {
  CheckpointStore,
  FlowRegistry,
  LeaseManager,
  NodeCatalog,
  RunLog,
  SnapshotStore,
  TriggerState,
  VariableStore,
} from "../store/index.ts";
import { Children } from "./children.ts";
import { DrivenPartition } from "./driven-partition.ts";
import { FlowChecks } from "./flow-checks.ts";
import { GraphCache } from "./graph-cache.ts";
import { Intake } from "./intake.ts";
import { LogTrimmer } from "./log-trimmer.ts";
import { type Logger, silentLogger } from "./logger.ts";
import type { Run } from "./run/fold.ts";
import { RunEndings } from "./run-endings.ts";
import { StarvationWatch } from "./starvation-watch.ts";
import { Timers } from "./timers.ts";
import { Triggers } from "./triggers/triggers.ts";

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
  /** A run without news for this long leaves memory, ms. Default 10 000. */
  readonly restAfterMs?: number;
}

export interface Orchestrator extends AsyncDisposable {
  readonly id: string;
  /** Partitions that it drives now. */
  readonly partitions: readonly number[];
  /** Runs that have not ended, in memory and at rest. */
  readonly activeRuns: number;
  /** Those of them that are in memory. */
  readonly runsInMemory: number;
  /** Messages that were refused, by subject family. */
  readonly refusals: RefusalCounter;
  /** Resolves when every partition it holds has caught up with its log. */
  ready(): Promise<void>;
  /** Hands everything over and ends. */
  stop(): Promise<void>;
}

/** Starts an orchestrator; it holds its first partitions when this resolves. */
export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { nc } = options;
  const topology = options.topology ?? (await ensureTopology(nc, options.topologyOptions));
  const [jsm, variables, catalog, checkpoints, snapshots, log, registry, state] = await Promise.all([
    jetstreamManager(nc, { checkAPI: false }),
    VariableStore.open(nc),
    NodeCatalog.open(nc),
    CheckpointStore.open(nc),
    SnapshotStore.open(nc),
    RunLog.open(nc, topology.partitions),
    FlowRegistry.open(nc),
    TriggerState.open(nc),
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
    snapshots,
    log,
    registry,
    state,
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
  readonly snapshots: SnapshotStore;
  readonly log: RunLog;
  readonly registry: FlowRegistry;
  readonly state: TriggerState;
  readonly restAfterMs?: number;
}

/** How often runs without news are put to rest, ms. */
const REST_ROUND_MS = 2_000;

class OrchestratorService implements Orchestrator {
  readonly id: string;
  readonly refusals = new RefusalCounter();
  readonly #parts: Parts;
  readonly #driven = new Map<number, DrivenPartition>();
  readonly #graphs = new GraphCache();
  readonly #timers: Timers;
  readonly #triggers: Triggers;
  readonly #intake: Intake;
  readonly #endings: RunEndings;
  readonly #children: Children;
  readonly #starvation: StarvationWatch;
  readonly #trimmer: LogTrimmer;
  #restTimer: NodeJS.Timeout | undefined;
  #leases: LeaseManager | undefined;
  #catalogWatch: { stop(): void } | undefined;
  #queueCreated: string;
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#queueCreated = parts.topology.queueCreated;
    const { nc, js, jsm, logger, variables, catalog, topology, log, checkpoints, registry, state } = parts;
    this.#triggers = new Triggers({ nc, js, jsm, registry, state, logger });
    this.#timers = new Timers({ js, jsm, logger, onTrigger: (fired) => this.#triggers.fired(fired) });
    this.#endings = new RunEndings({ nc, variables, log, history: log.history });
    this.#children = new Children({ log, types: () => catalog.types, resolveFlow: (ref) => registry.resolve(ref) });
    this.#trimmer = new LogTrimmer({
      log,
      checkpoints,
      logger,
      partitions: topology.partitions,
      drivers: () => [...this.#driven.values()].map(({ driver }) => driver),
    });
    this.#starvation = new StarvationWatch({ nc, jsm, logger, runs: () => this.#runs() });
    const checks = new FlowChecks({
      registry,
      types: () => catalog.types,
      typesRevision: () => catalog.revision,
    });
    this.#intake = new Intake({
      nc,
      js,
      jsm,
      logger,
      variables,
      log,
      partitions: topology.partitions,
      submitCreated: topology.submitCreated,
      checks,
      refusals: this.refusals,
    });
  }

  get partitions(): readonly number[] {
    return [...this.#driven.keys()].sort((a, b) => a - b);
  }

  get activeRuns(): number {
    let sum = 0;
    for (const { driver } of this.#driven.values()) sum += driver.activeRuns;
    return sum;
  }

  get runsInMemory(): number {
    let sum = 0;
    for (const { driver } of this.#driven.values()) sum += driver.runsInMemory;
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
    await Promise.all([watch.ready, this.#leases.start(), this.#triggers.start()]);
    await this.#timers.start();
    await this.#intake.start();
    this.#starvation.start();
    this.#trimmer.start();
    this.#restTimer = setInterval(() => {
      for (const { driver } of this.#driven.values()) void driver.putToRest();
    }, REST_ROUND_MS);
    this.#restTimer.unref();
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
    clearInterval(this.#restTimer);
    await Promise.all([this.#intake.stop(), this.#timers.stop(), this.#triggers.stop(), this.#trimmer.stop()]);
    await this.#leases?.releaseAll();
    await Promise.all([...this.#driven.keys()].map((partition) => this.#release(partition, true)));
    this.#catalogWatch?.stop();
  }

  *#runs(): Iterable<Run> {
    for (const { driver } of this.#driven.values()) yield* driver.runs;
  }

  async #acquire(partition: number): Promise<void> {
    if (this.#driven.has(partition) || this.#stopped) return;
    const { id: owner, restAfterMs, ...parts } = this.#parts;
    const driven = await DrivenPartition.take(partition, {
      ...parts,
      owner,
      restAfterMs,
      graphs: this.#graphs,
      timers: this.#timers,
      endings: this.#endings,
      children: this.#children,
      queueCreated: () => this.#queueCreated,
      onTakenOver: () => void this.#takenOver(partition),
    });
    if (this.#stopped) return;
    this.#driven.set(partition, driven);
    driven.start();
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

  async #release(partition: number, handOver: boolean): Promise<void> {
    const driven = this.#driven.get(partition);
    if (!driven) return;
    this.#driven.delete(partition);
    await driven.stop({ handOver });
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
        for (const { driver } of this.#driven.values()) await driver.resendInFlight();
      } catch (error) {
        logger.error({ err: error }, "the streams could not be looked at after a reconnect");
      }
    }
  }
}
