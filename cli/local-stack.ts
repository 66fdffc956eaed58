/**
 * A whole RayFlow on this machine: a nats-server, an orchestrator in this process, actor processes beside it. For one
 * call of `rayflow run`, for `rayflow dev` and for `runFlow` of the library.
 *
 * K1. It stops in order (actors, orchestrator, connection, server) and leaves no process behind; what cannot be stopped
 *     in order is stopped anyway.
 * K2. What fails while it starts is stopped again before the caller hears of it.
 */
import path from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
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
  /** Shows what node code logs, and how the actors are. Default false: warnings only. */
  readonly actorLogs?: boolean;
  /** How long actor processes may take to stop, ms. Default: the ActorManager's. */
  readonly actorGraceMs?: number;
  /** Ends the start when it aborts. */
  readonly signal?: AbortSignal;
  /** Hears of each part as it is ready, and of actor processes that ended. */
  readonly onPart?: (part: StackPart) => void;
}

export type StackPart =
  | { readonly kind: "server"; readonly url: string; readonly pid: number; readonly version: string }
  | { readonly kind: "orchestrator"; readonly id: string }
  | { readonly kind: "actor"; readonly pid: number; readonly types: number }
  | { readonly kind: "actor-exited"; readonly restartInMs: number };

export interface LocalStack extends AsyncDisposable {
  readonly url: string;
  readonly nc: NatsConnection;
}

const STOP_ORDER = ["service", "actors", "orchestrator", "connection", "server"] as const;

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
    const server = await startEmbeddedServer({
      name: "rayflow-local",
      ...(options.storeDir === undefined ? {} : { storeDir: options.storeDir }),
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    parts.server = () => server.stop();
    goOn();
    // The actor process takes longest, so it is under way before anything else is.
    const actors = startActors(server.url, options);
    parts.actors = () => actors.stop();
    const nc = await connectNats({ servers: server.url, name: "rayflow local" });
    parts.connection = () => nc.close();
    options.onPart?.({ kind: "server", url: server.url, pid: server.pid, version: nc.info?.version ?? "?" });
    const topology = await ensureTopology(nc);
    const { startOrchestrator } = await import("../orchestrator/index.ts");
    const orchestrator = await startOrchestrator({ nc, topology, logger: options.logger });
    parts.orchestrator = () => orchestrator.stop();
    options.onPart?.({ kind: "orchestrator", id: orchestrator.id });
    if (options.service === true) {
      const { startService } = await import("../gateway/index.ts");
      const service = await startService(nc, { version: packageVersion(), orchestrator });
      parts.service = () => service.stop();
    }
    await actors.ready;
    goOn();
    return { url: server.url, nc, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts the actor processes without waiting for them. */
function startActors(url: string, options: LocalStackOptions): { ready: Promise<void>; stop: () => Promise<void> } {
  let stopped = false;
  const starting = (async () => {
    const { ActorManager, perType } = await import("../actors/index.ts");
    const manager = new ActorManager({
      command: actorCommand(url, options),
      env: actorEnvironment(options.actorLogs === true),
      groups: options.actorPerType === true ? perType(await localActorTypes(options.nodesDir)) : "all",
      logger: options.logger,
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

/** Without the credentials that are for another server. A log level that the user set goes before ours. */
function actorEnvironment(logs: boolean): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("NATS_"));
  return { ...(logs ? { RAYFLOW_LOG_LEVEL: "info" } : {}), ...Object.fromEntries(own) };
}

/** The types that need an actor. */
async function localActorTypes(nodesDir: string | undefined): Promise<string[]> {
  const { loadNodes } = await import("../actors/index.ts");
  const { nodes } = await loadNodes(nodesDir === undefined ? {} : { userDirs: [nodesDir] });
  return [...nodes.values()].filter(({ execute }) => execute !== undefined).map(({ nodeType }) => nodeType.type);
}

function actorCommand(url: string, options: LocalStackOptions): string[] {
  return [
    process.execPath,
    path.join(packageRoot(), "dist", "cli", "main.js"),
    "actor",
    "--server",
    url,
    ...(options.nodesDir === undefined ? [] : ["--nodes-dir", options.nodesDir]),
    ...(options.filesRoot === undefined ? [] : ["--files-root", options.filesRoot]),
    ...(process.stderr.isTTY === true ? ["--pretty-logs"] : []),
    ...(options.allowPrivateAddresses === true ? ["--allow-private-addresses"] : []),
  ];
}
