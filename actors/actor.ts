/**
 * An actor: the part of a process that takes work for its node types from NATS, runs it and publishes the results.
 *
 * It wires the parts and owns their order of starting and stopping. It does not own the connection, which the caller
 * closes after `stop`.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { RayflowError } from "../flow/index.ts";
import { publisherOn, subjects } from "../nats/index.ts";
import { BlobStore, NodeCatalog, ResultCache, VariableStore } from "../store/index.ts";
import type { Metrics, Readiness, Tracing } from "../telemetry/index.ts";
import { ActorMetrics } from "./actor-metrics.ts";
import { answerStatus } from "./actor-status.ts";
import { DispatchPuller } from "./dispatch-puller.ts";
import { type ModelAccess, type ModelSettings, modelAccess } from "./model-access.ts";
import type { NodeDefinition, NodeResources } from "./node-definition.ts";
import { NodeExecutor } from "./node-executor.ts";
import { publishStored } from "./node-publish.ts";
import { performer } from "./perform.ts";
import { givenQueues, ownQueues, untilSetUp } from "./queues.ts";
import { ResultPublisher } from "./result-publisher.ts";
import { type SecretOptions, Secrets } from "./secrets.ts";
import { separate } from "./separate.ts";
import { Workload, type WorkloadCounters } from "./workload.ts";

export interface ActorOptions {
  readonly nc: NatsConnection;
  readonly nodes: ReadonlyMap<string, NodeDefinition>;
  /** Which of them to serve. Default: all that an actor runs. */
  readonly types?: readonly string[] | undefined;
  /** Who ran it, in results and logs. Default: host, process id and some random letters. */
  readonly id?: string | undefined;
  /** Entries that run at once in this process. Default 64. */
  readonly concurrency?: number | undefined;
  /** Messages of one type that may wait here for a slot or be on their way. Default 8. */
  readonly prefetch?: number | undefined;
  /** How long the server waits for a sign of life before another actor gets the work, ms. Default 15 000. */
  readonly ackWaitMs?: number | undefined;
  /** How many actors may be lost over one piece of work before it fails with ActorLost. Default 3. */
  readonly maxLost?: number | undefined;
  /** Outputs above this go to the object store, bytes of JSON. Default 262 144. */
  readonly inlineBytes?: number | undefined;
  /** Largest output, bytes of JSON. Default 104 857 600. */
  readonly maxValueBytes?: number | undefined;
  /** The folder that `io_file_*` may use. Default: none. */
  readonly filesRoot?: string | undefined;
  /** What references to secrets stand for. Default: there are none. */
  readonly secrets?: SecretOptions | undefined;
  /** Whether `io_http_request` may reach private addresses. Default false. */
  readonly allowPrivateAddresses?: boolean | undefined;
  /** Addresses and networks (`10.1.0.0/16`) that it may reach besides the public ones. Default: none. */
  readonly allowedAddresses?: readonly string[] | undefined;
  /** The models' endpoints and their limits, for the ai nodes. Default: none. */
  readonly models?: ModelSettings | undefined;
  /**
   * Whether it does with the rights of the role `actor:<types>` alone: it makes no stream and no durable, and declares no
   * type but its own. An orchestrator does the rest. Default false.
   */
  readonly restricted?: boolean | undefined;
  /** What it counts into. Default: for itself. */
  readonly metrics?: Metrics | undefined;
  /** Where the spans of traced executions go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
  readonly logger: Logger;
}

export interface StopOptions {
  /** How long running work may go on before it is aborted and handed back, ms. Default 10 000. */
  readonly drainMs?: number | undefined;
}

export interface Actor extends AsyncDisposable {
  readonly id: string;
  /** The types that it serves, sorted. */
  readonly types: readonly string[];
  readonly counters: Readonly<WorkloadCounters>;
  /** Whether it takes work: it is connected, and the durables of all its types are there. */
  readiness(): Promise<Readiness>;
  /** Takes no more work, hands back what has not begun, lets the rest end. Again: waits for the same stop. */
  stop(options?: StopOptions): Promise<void>;
}

const DEFAULT_MAX_PAYLOAD = 1024 * 1024;
/** What a result message takes besides its results, and room to spare. */
const MESSAGE_MARGIN_BYTES = 4_096;
/** How long a stopping actor waits for the acks of its last results. */
const LAST_ACKS_MS = 5_000;
const FLUSH_MS = 2_000;

/**
 * Starts an actor; resolves when its types are in the catalog and it takes work.
 * @throws NodeLoadError when a type is asked for that is not there or that the orchestrator runs itself
 */
export async function startActor(options: ActorOptions): Promise<Actor> {
  const { nc, nodes } = options;
  const id = options.id ?? `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  const logger = options.logger.child({ actor: id });
  const definitions = servedBy(nodes, options.types);
  const types = [...definitions.keys()].sort();
  const restricted = options.restricted === true;

  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const queues = restricted ? givenQueues(jsm) : ownQueues(nc, jsm, options.ackWaitMs ?? 15_000);
  // Under a restricted role there may be nothing yet, and then it waits.
  if (!restricted) await queues.ensureQueue();
  const [variables, catalog] = await Promise.all([VariableStore.open(nc), NodeCatalog.open(nc)]);
  // Nobody serves the control types, but flows use them: whoever has loaded their declarations declares them too.
  const declared = [...nodes.values()].map(({ nodeType }) => nodeType);
  const register = () =>
    catalog.register(declared.filter(({ type, kind }) => definitions.has(type) || (kind !== "actor" && !restricted)));

  const maxPayload = rememberMaxPayload(nc);
  const maxResultBytes = () => maxPayload() - MESSAGE_MARGIN_BYTES;
  const models = modelAccess(nc, options.models, options.metrics);
  const executor = new NodeExecutor({
    actor: id,
    logger,
    variables: (entry) =>
      variables.forExecution({ run: entry.run, flow: entry.flow, idempotencyKey: entry.idempotency_key }),
    resources: resourcesOf(options, models),
    tracing: options.tracing,
    maxResultBytes,
    perform: performer({
      blobs: new BlobStore(nc, { mayPurge: !restricted }),
      cache: new ResultCache(nc),
      inlineBytes: options.inlineBytes,
      maxValueBytes: options.maxValueBytes,
      maxResultBytes,
      secrets: new Secrets(options.secrets ?? {}),
    }),
  });
  const js = publisherOn(nc);
  const publisher = new ResultPublisher({ js, logger, maxMessageBytes: maxPayload });
  const puller: DispatchPuller = new DispatchPuller({
    nc,
    types,
    prefetch: options.prefetch ?? 8,
    ensureQueue: () => queues.ensureQueue(),
    ensureConsumer: (type) => queues.ensureConsumer(type),
    onDelivery: (delivery) => workload.receive(delivery),
    onNewQueue: () => void register().catch((error: unknown) => logger.warn({ err: error }, "catalog not renewed")),
    logger,
  });
  const metrics = new ActorMetrics(options.metrics);
  const concurrency = options.concurrency ?? 64;
  const workload: Workload = new Workload({
    metrics,
    definitions,
    executor,
    publisher,
    puller,
    separate: (message, lost) => separate(js, message, lost),
    concurrency,
    maxLost: options.maxLost ?? 3,
    logger,
  });

  const cancels = nc.subscribe(subjects.cancelAll(), {
    callback: (error, msg) => {
      if (!error) workload.cancelRun(msg.subject.slice(msg.subject.lastIndexOf(".") + 1));
    },
  });
  try {
    const wait = restricted ? logger : undefined;
    await Promise.all([untilSetUp(nc, register, wait), untilSetUp(nc, () => puller.prepare(), wait)]);
  } catch (error) {
    cancels.unsubscribe();
    await puller.stop();
    throw error;
  }

  const pulse = setInterval(() => {
    workload.working();
    puller.checkSilence();
  }, queues.ackWaitMs / 3);
  const unwatch = watchConnection(nc, (change) => {
    if (change === "lost") puller.disconnected();
    else {
      publisher.retryNow();
      void puller.reconnected();
    }
  });

  const endObserving = metrics.observe({
    inFlight: () => workload.counters.inFlight,
    slots: concurrency,
    unacked: () => publisher.unacked,
  });
  const readiness = async (): Promise<Readiness> => {
    const alive = !nc.isClosed() && (await nc.rtt().then(yes, no));
    return { ready: alive && puller.isPulling && stopping === undefined, nats: alive, consumers: puller.isPulling };
  };

  const unanswer = answerStatus(nc, { id, types, counters: workload.counters });

  let stopping: Promise<void> | undefined;
  const stop = async (drainMs: number): Promise<void> => {
    // Deliveries that are on their way are handed back as they come.
    workload.handBack();
    await puller.stop();
    if (drainMs > 0) await within(drainMs, workload.whenIdle());
    workload.abort();
    await publisher.close(nc.isClosed() ? 0 : LAST_ACKS_MS);
    if (!nc.isClosed()) await within(FLUSH_MS, models.close());
    clearInterval(pulse);
    endObserving();
    unwatch();
    if (nc.isClosed()) return;
    const unfinished = workload.handBackAll();
    if (unfinished > 0) logger.warn({ messages: unfinished }, "stopped before all work had ended: handed it back");
    cancels.unsubscribe();
    unanswer();
    await within(FLUSH_MS, nc.flush()).catch(() => {});
  };
  const stopOnce = (stopOptions: StopOptions = {}): Promise<void> => {
    stopping ??= stop(stopOptions.drainMs ?? 10_000);
    return stopping;
  };
  void nc.closed().then(() => stopOnce({ drainMs: 0 }));
  logger.info({ types: types.length }, "actor ready");
  // Last: node code that blocks the event loop must not keep the caller from hearing that the actor has started.
  puller.start();
  return { id, types, counters: workload.counters, readiness, stop: stopOnce, [Symbol.asyncDispose]: () => stopOnce() };
}

/** The definitions that an actor runs, by type. */
function servedBy(
  nodes: ReadonlyMap<string, NodeDefinition>,
  types: readonly string[] | undefined,
): Map<string, NodeDefinition> {
  const served = new Map([...nodes].filter(([, definition]) => definition.nodeType.kind === "actor"));
  if (types === undefined) return served;
  const missing = types.filter((type) => !served.has(type));
  if (missing.length > 0) {
    const names = missing.map((type) => (nodes.has(type) ? `${type} (run by the orchestrator)` : type)).join(", ");
    throw new RayflowError("NodeLoadError", `no such node type for an actor: ${names}`);
  }
  return new Map([...served].filter(([type]) => types.includes(type)));
}

/** While the connection is down the client does not know what the server allows: the last answer counts. */
function rememberMaxPayload(nc: NatsConnection): () => number {
  let last = DEFAULT_MAX_PAYLOAD;
  return () => {
    last = nc.info?.max_payload ?? last;
    return last;
  };
}

function resourcesOf(options: ActorOptions, models: ModelAccess): NodeResources {
  const { nc } = options;
  return {
    filesRoot: options.filesRoot,
    allowPrivateAddresses: options.allowPrivateAddresses ?? false,
    allowedAddresses: options.allowedAddresses,
    publish: (subject, payload) => nc.publish(subject, payload),
    request: async (subject, payload, timeoutMs) => (await nc.request(subject, payload, { timeout: timeoutMs })).data,
    publishStored: (subject, payload, msgId) => publishStored(nc, subject, payload, msgId),
    models,
  };
}

/** Calls back when the connection goes and when it is back; gives what ends that. */
function watchConnection(nc: NatsConnection, onChange: (change: "lost" | "back") => void): () => void {
  const statuses = nc.status();
  void (async () => {
    for await (const { type } of statuses) {
      if (type === "disconnect") onChange("lost");
      else if (type === "reconnect") onChange("back");
    }
  })();
  // The client's iterator has a stop that its type does not tell of.
  return () => {
    if ("stop" in statuses && typeof statuses.stop === "function") statuses.stop();
  };
}

/** Resolves with the promise, or when the time is over. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  try {
    await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;
