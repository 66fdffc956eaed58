/**
 * A whole RayFlow on this machine: a nats-server, an orchestrator in this process, actor processes beside it, the gateway
 * if it is wanted. For one call of `rayflow run`, for `rayflow dev`, `rayflow create` and for `runFlow` of the library.
 *
 * K1. It stops in order (actors, orchestrator, connection, server) and leaves no process behind; what cannot be stopped
 *     in order is stopped anyway.
 * K2. What fails while it starts is stopped again before the caller hears of it.
 */
import path from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { GatewayOptions, HttpServer } from "../gateway/index.ts";
import type { ConnectOptions } from "../nats/index.ts";
import type { Metrics, Tracing } from "../telemetry/index.ts";
import { packageRoot, packageVersion } from "./package-info.ts";
import { interrupted } from "./signals.ts";

export interface LocalStackOptions {
  readonly logger: Logger;
  /** The user's own nodes. Default: none. */
  readonly nodesDir?: string | undefined;
  /** What io_file_* may reach. Default: nothing. */
  readonly filesRoot?: string | undefined;
  readonly allowPrivateAddresses?: boolean;
  /** Where the server keeps its data. Default: a temporary folder that goes with it. */
  readonly storeDir?: string;
  /** The server's port. Default: a free one. */
  readonly port?: number;
  /** A process for each node type instead of one for all. Default false. */
  readonly actorPerType?: boolean;
  /** Also answers requests on rayflow.svc.>. Default false. */
  readonly service?: boolean;
  /** Also serves HTTP and the editor. Default: it does not. */
  readonly gateway?: LocalGatewayOptions;
  /** A server that is there, in place of one of its own: how this process connects, and the flags that an actor needs. */
  readonly server?: { readonly connect: ConnectOptions; readonly actorFlags: readonly string[] };
  /** What actors find in their environment besides. */
  readonly actorVariables?: Readonly<Record<string, string>>;
  /** Shows what node code logs, and how the actors are. Default false: warnings only. */
  readonly actorLogs?: boolean;
  /** How long actor processes may take to stop, ms. Default: the ActorManager's. */
  readonly actorGraceMs?: number;
  /** What the parts in this process count into. Default: each for itself. */
  readonly metrics?: Metrics;
  /** Where the spans of the parts in this process go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
  /** Ends the start when it aborts. */
  readonly signal?: AbortSignal;
  /** Hears of each part as it is ready, and of actor processes that ended. */
  readonly onPart?: (part: StackPart) => void;
}

export interface LocalGatewayOptions extends Omit<GatewayOptions, "nc" | "version" | "logger" | "editorDir"> {
  /** Also serves the editor. Default true. */
  readonly editor?: boolean;
}

export type StackPart =
  | { readonly kind: "server"; readonly url: string; readonly pid: number; readonly version: string }
  | { readonly kind: "orchestrator"; readonly id: string }
  | { readonly kind: "gateway"; readonly url: string }
  | { readonly kind: "actor"; readonly pid: number; readonly types: number }
  | { readonly kind: "actor-exited"; readonly restartInMs: number };

export interface LocalStack extends AsyncDisposable {
  readonly url: string;
  readonly nc: NatsConnection;
  readonly gateway: HttpServer | undefined;
}

const STOP_ORDER = ["gateway", "service", "actors", "orchestrator", "connection", "server"] as const;

/** @throws ServerMissing, ConnectionFailed, ActorStartFailed, Interrupted */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const parts: Partial<Record<(typeof STOP_ORDER)[number], () => Promise<void>>> = {};
  const stop = async (): Promise<void> => {
    for (const name of STOP_ORDER) {
      await parts[name]?.().catch((error: unknown) =>
        options.logger.warn({ err: error }, `${name} did not stop in order`),
      );
      delete parts[name];
    }
  };
  const goOn = (): void => {
    if (options.signal?.aborted) throw interrupted();
  };
  try {
    const { connectNats, ensureTopology, startEmbeddedServer } = await import("../nats/index.ts");
    const own = options.server === undefined ? await startEmbeddedServer(serverOptions(options)) : undefined;
    if (own !== undefined) parts.server = () => own.stop();
    goOn();
    // The actor process takes longest, so it is under way before anything else is.
    const actors = startActors(options.server?.actorFlags ?? ["--server", own?.url ?? ""], options);
    parts.actors = () => actors.stop();
    const nc = await connectNats(options.server?.connect ?? { servers: own?.url ?? "", name: "rayflow local" });
    parts.connection = () => nc.close();
    const url = own?.url ?? `nats://${nc.getServer()}`;
    if (own !== undefined) options.onPart?.({ kind: "server", url, pid: own.pid, version: nc.info?.version ?? "?" });
    const topology = await ensureTopology(nc);
    const counted = options.metrics === undefined ? {} : { metrics: options.metrics };
    const { tracing } = options;
    const { startOrchestrator } = await import("../orchestrator/index.ts");
    const orchestrator = await startOrchestrator({ nc, topology, logger: options.logger, tracing, ...counted });
    parts.orchestrator = () => orchestrator.stop();
    options.onPart?.({ kind: "orchestrator", id: orchestrator.id });
    if (options.service === true) {
      const { startService } = await import("../gateway/index.ts");
      const service = await startService(nc, { version: packageVersion(), orchestrator, tracing });
      parts.service = () => service.stop();
    }
    const gateway =
      options.gateway === undefined
        ? undefined
        : await openGateway(nc, { ...options.gateway, ...counted, tracing }, options.logger);
    if (gateway !== undefined) {
      parts.gateway = () => gateway.stop();
      options.onPart?.({ kind: "gateway", url: gateway.url });
    }
    await actors.ready;
    goOn();
    return { url, nc, gateway, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverOptions({ storeDir, port }: LocalStackOptions) {
  return {
    name: "rayflow-local",
    ...(storeDir === undefined ? {} : { storeDir }),
    ...(port === undefined ? {} : { port }),
  };
}

/** The gateway on a connection, with the editor of this installation. */
export async function openGateway(
  nc: NatsConnection,
  { editor = true, ...options }: LocalGatewayOptions,
  logger: Logger,
): Promise<HttpServer> {
  const [{ startGateway }, { openMonitoring }] = await Promise.all([
    import("../gateway/index.ts"),
    import("../deliberation/index.ts"),
  ]);
  const editorDir = editor ? path.join(packageRoot(), "dist", "editor") : undefined;
  const version = packageVersion();
  // It goes with the connection.
  const monitoring = await openMonitoring({ nc, version });
  return startGateway({ ...options, nc, version, logger, editorDir, monitoring });
}

/** Starts the actor processes without waiting for them. */
function startActors(
  flags: readonly string[],
  options: LocalStackOptions,
): { ready: Promise<void>; stop: () => Promise<void> } {
  let stopped = false;
  const starting = (async () => {
    const { ActorManager, perType } = await import("../actors/index.ts");
    const manager = new ActorManager({
      command: actorCommand(flags, options),
      env: actorEnvironment(options),
      groups: options.actorPerType === true ? perType(await localActorTypes(options.nodesDir)) : "all",
      logger: options.logger,
      metrics: options.metrics,
      onEvent: (event) => {
        if (event.kind === "ready") options.onPart?.({ kind: "actor", pid: event.pid, types: event.types.length });
        if (event.kind === "exited") options.onPart?.({ kind: "actor-exited", restartInMs: event.restartInMs });
      },
    });
    const ready = stopped ? Promise.resolve() : manager.start();
    ready.catch(() => {});
    return { manager, ready };
  })();
  const allReady = async (): Promise<void> => (await starting).ready;
  const ready = allReady();
  ready.catch(() => {});
  return {
    ready,
    stop: async () => {
      stopped = true;
      const { manager } = await starting;
      await manager.stop(options.actorGraceMs);
    },
  };
}

/** Keys, and a port that this process has. */
const NOT_FOR_ACTORS = new Set(["RAYFLOW_TOKEN_KEYS", "RAYFLOW_METRICS_PORT"]);

/** Without credentials that are for another server, and without keys that are not for actors. A log level that the user set goes before ours. */
function actorEnvironment({ server, actorLogs, actorVariables }: LocalStackOptions): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !NOT_FOR_ACTORS.has(name) && (server !== undefined || !name.startsWith("NATS_")),
  );
  const level = actorLogs === true ? { RAYFLOW_LOG_LEVEL: "info" } : {};
  return { ...level, ...Object.fromEntries(own), ...actorVariables };
}

/** The types that need an actor. */
async function localActorTypes(nodesDir: string | undefined): Promise<string[]> {
  const { loadNodes } = await import("../actors/index.ts");
  const { nodes } = await loadNodes(nodesDir === undefined ? {} : { userDirs: [nodesDir] });
  return [...nodes.values()].filter(({ execute }) => execute !== undefined).map(({ nodeType }) => nodeType.type);
}

function actorCommand(flags: readonly string[], options: LocalStackOptions): string[] {
  return [
    process.execPath,
    path.join(packageRoot(), "dist", "cli", "main.js"),
    "actor",
    ...flags,
    ...(options.nodesDir === undefined ? [] : ["--nodes-dir", options.nodesDir]),
    ...(options.filesRoot === undefined ? [] : ["--files-root", options.filesRoot]),
    ...(process.stderr.isTTY === true ? ["--pretty-logs"] : []),
    ...(options.allowPrivateAddresses === true ? ["--allow-private-addresses"] : []),
  ];
}
