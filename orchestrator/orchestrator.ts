/**
 * The orchestrator: drives the runs of its share of the partitions; takes submissions and fired timers off their
 * queues, as all orchestrators do together. This file puts the parts together, and owns their order of starting and
 * stopping.
 */
import { randomUUID } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Limits, limitsOf } from "../flow/index.ts";
import {
  type ExecutionTokens,
  ensureTopology,
  publisherOn,
  RefusalCounter,
  STREAMS,
  type Topology,
  type TopologyOptions,
} from "../nats/index.ts";
import {
  BlobStore,
  blueprintsOn,
  CheckpointStore,
  FlowRegistry,
  NodeCatalog,
  RunLog,
  SnapshotStore,
  TriggerState,
  tokensOn,
  VariableStore,
} from "../store/index.ts";
import { createMetrics, type Metrics, type Readiness, type Tracing } from "../telemetry/index.ts";
import { BlobSweeper } from "./blob-sweeper.ts";
import { Children } from "./children.ts";
import { Dispatcher } from "./dispatcher.ts";
import { FlowChecks } from "./flow-checks.ts";
import { GraphCache } from "./graph-cache.ts";
import { Intake } from "./intake.ts";
import { LogTrimmer } from "./log-trimmer.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { News } from "./news.ts";
import { NodeQueues } from "./node-queues.ts";
import { observeOrchestrator } from "./observe.ts";
import { offloadSubmission } from "./offload.ts";
import { Pace } from "./pace.ts";
import { PartitionShare } from "./partition-share.ts";
import { noticeRefusals } from "./refusal-notice.ts";
import type { Run } from "./run/fold.ts";
import { RunEndings } from "./run-endings.ts";
import { RunEnds } from "./run-ends.ts";
import { RunMetrics } from "./run-metrics.ts";
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
  /** What it counts into. Default: for itself. */
  readonly metrics?: Metrics;
  /** Where the spans of its runs go. Default: no run is traced. */
  readonly tracing?: Tracing | undefined;
  /** A run without news for this long leaves memory, ms. Default 10 000. */
  readonly restAfterMs?: number;
  /** How often what nobody needs any more is cut off the log, ms. Default 5 000. */
  readonly trimEveryMs?: number;
  /** What runs may take, where that is not the default: see `flow/limits.ts`. */
  readonly limits?: Readonly<Record<string, number>>;
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
  /** Whether it can drive runs: it is connected, and its streams are there. */
  readiness(): Promise<Readiness>;
  /** Resolves when every partition it holds has caught up with its log. */
  ready(): Promise<void>;
  /** Hands everything over and ends. */
  stop(): Promise<void>;
}

/** Starts an orchestrator; it holds its first partitions when this resolves. */
export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { nc } = options;
  const limits = limitsOf(options.limits);
  const topology = options.topology ?? (await ensureTopology(nc, options.topologyOptions));
  const [jsm, variables, catalog, checkpoints, snapshots, log, registry, state, tokens] = await Promise.all([
    jetstreamManager(nc, { checkAPI: false }),
    VariableStore.open(nc),
    NodeCatalog.open(nc),
    CheckpointStore.open(nc),
    SnapshotStore.open(nc),
    RunLog.open(nc, topology.partitions),
    FlowRegistry.open(nc),
    TriggerState.open(nc),
    tokensOn(nc),
  ]);
  const service = new OrchestratorService({
    ...options,
    topology,
    limits,
    logger: options.logger ?? silentLogger,
    metrics: options.metrics ?? createMetrics({ service: "orchestrator" }),
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
    tokens,
  });
  await service.start();
  return service;
}

interface Parts {
  readonly nc: NatsConnection;
  readonly id: string;
  readonly topology: Topology;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing?: Tracing | undefined;
  readonly js: ReturnType<typeof jetstream>;
  readonly jsm: Awaited<ReturnType<typeof jetstreamManager>>;
  readonly variables: VariableStore;
  readonly catalog: NodeCatalog;
  readonly checkpoints: CheckpointStore;
  readonly snapshots: SnapshotStore;
  readonly log: RunLog;
  readonly registry: FlowRegistry;
  readonly state: TriggerState;
  readonly tokens: ExecutionTokens;
  readonly restAfterMs?: number;
  readonly trimEveryMs?: number;
}

/** Room beside what a message carries, bytes. */
const OVERHEAD_BYTES = 4096;
const DEFAULT_MAX_PAYLOAD = 1_048_576;

class OrchestratorService implements Orchestrator {
  readonly id: string;
  readonly refusals = new RefusalCounter();
  readonly #parts: Parts;
  readonly #share: PartitionShare;
  readonly #timers: Timers;
  readonly #triggers: Triggers;
  readonly #intake: Intake;
  readonly #starvation: StarvationWatch;
  readonly #trimmer: LogTrimmer;
  readonly #sweeper: BlobSweeper;
  readonly #queues: NodeQueues;
  readonly #endObserving: () => void;
  #catalogWatch: { stop(): void } | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.id = parts.id;
    const { nc, js, jsm, logger, variables, catalog, topology, log, checkpoints, snapshots, registry, state } = parts;
    const { partitions, queueCreated, submitCreated } = topology;
    noticeRefusals(log.refusals, logger);
    const types = () => catalog.types;
    const { limits } = parts;
    // Runs spread evenly over the partitions: of all runs there may be, this orchestrator's partitions have their share.
    const share = () => (this.activeRuns * partitions) / Math.max(1, this.partitions.length);
    const checks = new FlowChecks({ registry, limits, types, typesRevision: () => catalog.revision });
    const blobs = new BlobStore(nc, { cacheBytes: 0 });
    this.#triggers = new Triggers({ nc, js, jsm, registry, state, logger });
    this.#timers = new Timers({ js, jsm, logger, onTrigger: (fired) => this.#triggers.fired(fired) });
    const publisher = publisherOn(nc);
    const maxPayload = () => nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
    const news = new News({ publisher, maxPayload, logger });
    const pace = new Pace();
    const metrics = new RunMetrics(parts.metrics);
    const dispatcher = new Dispatcher({
      publisher,
      pace,
      logger,
      metrics,
      maxBytes: () => maxPayload() - OVERHEAD_BYTES,
    });
    this.#share = new PartitionShare({
      ...parts,
      metrics,
      onLease: (change) => parts.metrics.count("rayflow_lease_changes_total", change),
      pace,
      dispatcher,
      ends: new RunEnds({ publisher, logger, tokens: parts.tokens, maxBytes: () => maxPayload() - OVERHEAD_BYTES }),
      news,
      blobs,
      owner: parts.id,
      partitions,
      queueCreated,
      restAfterMs: parts.restAfterMs,
      graphs: new GraphCache(),
      timers: this.#timers,
      endings: new RunEndings({ news, variables, log, history: log.history }),
      children: new Children({
        log,
        keep: (flow) => blueprintsOn(nc).keep(flow),
        check: (wanted) => checks.check(wanted),
        limits,
        // Twice as many: else runs that wait for their children would keep the children out.
        hasRoom: () => share() < 2 * limits.active_runs,
        fit: (message) => offloadSubmission(blobs, message, maxPayload() - OVERHEAD_BYTES),
      }),
    });
    this.#trimmer = new LogTrimmer({
      log,
      checkpoints,
      logger,
      partitions,
      drivers: () => this.#share.drivers,
      ...(parts.trimEveryMs === undefined ? {} : { everyMs: parts.trimEveryMs }),
    });
    this.#sweeper = new BlobSweeper({
      blobs,
      log,
      snapshots,
      partitions,
      logger,
      isDue: () => this.partitions.includes(0),
    });
    this.#queues = new NodeQueues({ nc, jsm, logger, types });
    this.#starvation = new StarvationWatch({ nc, jsm, logger, runs: () => this.#runs() });
    this.#intake = new Intake({
      nc,
      js,
      jsm,
      news,
      logger,
      variables,
      blobs,
      log,
      partitions,
      submitCreated,
      checks,
      tracing: parts.tracing,
      refusals: this.refusals,
      limits,
      hasRoom: (takenIn) => share() + takenIn < limits.active_runs,
      onRefused: (code) => parts.metrics.count("rayflow_submissions_refused_total", code),
    });
    this.#endObserving = observeOrchestrator(parts.metrics, {
      nc,
      partitions,
      share: this.#share,
      starvation: this.#starvation,
      refusals: [this.refusals, log.refusals],
    });
  }

  get partitions(): readonly number[] {
    return this.#share.partitions;
  }

  get activeRuns(): number {
    return this.#share.drivers.reduce((sum, { activeRuns }) => sum + activeRuns, 0);
  }

  get runsInMemory(): number {
    return this.#share.drivers.reduce((sum, { runsInMemory }) => sum + runsInMemory, 0);
  }

  async start(): Promise<void> {
    const watch = await this.#parts.catalog.watch(() => this.#queues.look());
    this.#catalogWatch = watch;
    await Promise.all([watch.ready, this.#share.start(), this.#triggers.start()]);
    await this.#timers.start();
    await this.#intake.start();
    this.#starvation.start();
    this.#queues.start();
    this.#trimmer.start();
    this.#sweeper.start();
    this.#parts.logger.info({ orchestrator: this.id, partitions: this.partitions }, "the orchestrator is up");
  }

  async readiness(): Promise<Readiness> {
    const { nc, jsm } = this.#parts;
    const nats = !nc.isClosed() && (await nc.rtt().then(yes, no));
    const needed = nats ? [STREAMS.submit, STREAMS.nodes, STREAMS.log, STREAMS.timers] : [];
    const found = await Promise.all(needed.map((stream) => jsm.streams.info(stream).then(yes, no)));
    const streams = nats && found.every(Boolean);
    return { ready: streams && this.#stopped === undefined, nats, streams };
  }

  async ready(): Promise<void> {
    await Promise.all(this.#share.drivers.map((driver) => driver.untilLive()));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#endObserving();
    this.#starvation.stop();
    const helpers = [this.#queues, this.#intake, this.#timers, this.#triggers, this.#trimmer, this.#sweeper];
    await Promise.all(helpers.map((helper) => helper.stop()));
    await this.#share.stop();
    this.#catalogWatch?.stop();
  }

  *#runs(): Iterable<Run> {
    for (const driver of this.#share.drivers) yield* driver.runs;
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;
