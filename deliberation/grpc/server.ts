/**
 * The executor on its port: the service, the standard health service and reflection.
 *
 * S1. It is SERVING while NATS is there. Behind a load balancer a replica that has lost it gets no calls.
 * S2. It stops in order: not serving, no new calls, those under way end, streams are told to go elsewhere.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import type { NatsConnection } from "@nats-io/transport-node";
import { HealthImplementation } from "grpc-health-check";
import { RayflowError } from "../../flow/index.ts";
import { DeliberationDirectory } from "../deliberation-directory.ts";
import { BadRequestSchema } from "../generated/google/rpc/status_pb.ts";
import { Health } from "../generated/health/v1/health_pb.ts";
import { RayExecutorService } from "../generated/ray_executor/v1/ray_executor_pb.ts";
import { ensureEventStreams } from "../pipeline/streams.ts";
import type { StartOptions } from "../start-deliberation.ts";
import { implementation } from "./calls.ts";
import { packageDefinition, serviceDefinition } from "./definition.ts";
import { streamHandlers, unaryHandlers } from "./handlers.ts";

export interface GrpcServerOptions {
  readonly nc: NatsConnection;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** What a task gets that names no endpoint or no model. */
  readonly defaults?: StartOptions["defaults"];
  /** Most deliberations that may go on at once. Default: no limit. */
  readonly maxActive?: number | undefined;
  /** Most that may watch at once. Default 1 000. */
  readonly maxWatchers?: number | undefined;
  /** Certificate and key in PEM; without, connections are plain. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly clientCa?: Buffer | undefined } | undefined;
  /** How long calls under way may take when it stops, ms. Default 10 000. */
  readonly graceMs?: number | undefined;
  /** Hears of failures that nobody foresaw. */
  readonly onFailure?: (method: string, error: unknown) => void;
}

export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
  readonly directory: DeliberationDirectory;
  stop(): Promise<void>;
}

const DEFAULT_MAX_WATCHERS = 1_000;
const DEFAULT_GRACE_MS = 10_000;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const WATCHED = ["", RayExecutorService.typeName];

/** @throws PortTaken, ConnectionFailed, TopologyConflict */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { nc, host = "127.0.0.1", port, defaults = {}, maxActive, onFailure = () => {} } = options;
  const directory = await DeliberationDirectory.open(nc);
  await ensureEventStreams(nc);
  const stopping = new AbortController();
  const connection = watchConnection(nc, (connected) => {
    for (const service of WATCHED) health.setStatus(service, connected ? "SERVING" : "NOT_SERVING");
  });
  const health = new HealthImplementation(Object.fromEntries(WATCHED.map((service) => [service, "SERVING" as const])));
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // A connection that a load balancer has lost is found out.
    "grpc.keepalive_time_ms": 60_000,
  });
  const handlers = { nc, directory, defaults, maxActive, maxWatchers: options.maxWatchers ?? DEFAULT_MAX_WATCHERS };
  server.addService(
    serviceDefinition(RayExecutorService),
    implementation(RayExecutorService, unaryHandlers(handlers), streamHandlers(handlers), {
      isConnected: () => connection.connected && !nc.isClosed(),
      stopping: stopping.signal,
      onFailure,
    }),
  );
  health.addToServer(server);
  new ReflectionService(packageDefinition([RayExecutorService, Health], [BadRequestSchema])).addToServer(server);
  const bound = await bind(server, `${host.includes(":") ? `[${host}]` : host}:${port}`, credentials(options.tls));
  const stop = async (): Promise<void> => {
    for (const service of WATCHED) health.setStatus(service, "NOT_SERVING");
    stopping.abort();
    await shutDown(server, options.graceMs ?? DEFAULT_GRACE_MS);
  };
  return { port: bound, directory, stop, [Symbol.asyncDispose]: stop };
}

function watchConnection(nc: NatsConnection, onChange: (connected: boolean) => void) {
  const state = { connected: true };
  const change = (connected: boolean): void => {
    if (state.connected === connected) return;
    state.connected = connected;
    onChange(connected);
  };
  void (async () => {
    for await (const { type } of nc.status()) {
      if (type === "disconnect") change(false);
      else if (type === "reconnect") change(true);
    }
  })();
  void nc.closed().then(() => change(false));
  return state;
}

function credentials(tls: GrpcServerOptions["tls"]): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = [{ cert_chain: tls.cert, private_key: tls.key }];
  return ServerCredentials.createSsl(tls.clientCa ?? null, pair, tls.clientCa !== undefined);
}

function bind(server: Server, address: string, how: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, how, (error, port) => {
      if (error === null) return resolve(port);
      const message = `${address} cannot be listened on: ${error.message}`;
      reject(new RayflowError("PortTaken", message, { cause: error }));
    });
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
