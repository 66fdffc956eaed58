/** The whole gateway: the API on a connection, the editor beside it. */
import type { NatsConnection } from "@nats-io/transport-node";
import { type Logger, silentLogger } from "../../orchestrator/index.ts";
import { createMetrics, type Metrics, type Readiness, type Tracing } from "../../telemetry/index.ts";
import { openParts } from "../gateway-parts.ts";
import type { Monitoring } from "../monitoring.ts";
import { addAdminRoutes } from "./admin-routes.ts";
import { createApp } from "./app.ts";
import { EventStreams } from "./event-stream.ts";
import { addExecuteRoutes } from "./execute-routes.ts";
import { addFlowRoutes } from "./flow-routes.ts";
import { addHealthRoutes, readinessOf } from "./health-routes.ts";
import { httpMetrics } from "./metrics.ts";
import { addMonitoringRoutes } from "./monitoring-routes.ts";
import { addNodeRoutes } from "./node-routes.ts";
import { DEFAULT_MAX_BODY_BYTES } from "./request-body.ts";
import { addRunControlRoutes } from "./run-control-routes.ts";
import { addRunEvents } from "./run-events.ts";
import { addRunRoutes } from "./run-routes.ts";
import { DEFAULT_HOST, type ListenOptions, listen } from "./server.ts";
import { editorFiles } from "./static-files.ts";
import { addVariableRoutes } from "./variable-routes.ts";

/** What every HTTP server of RayFlow may be told. */
export interface HttpOptions extends ListenOptions {
  readonly nc: NatsConnection;
  /** Of RayFlow, as the API shows it. */
  readonly version: string;
  /** Whoever wants something must send it. Default: nobody must. */
  readonly token?: string | undefined;
  /** Origins whose pages may use the API; `*` for all. Default: its own alone. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** Further names under which it is reached. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Largest body, bytes. Default 32 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long answers may take to go out when it stops, ms. Default 5 000. */
  readonly graceMs?: number | undefined;
  /** How long who waits for a run may go on waiting when it stops, ms: less than `graceMs`. Default 4 000. */
  readonly drainMs?: number | undefined;
  readonly logger?: Logger | undefined;
  /** What it counts into and shows at `/metrics`. Default: for itself. */
  readonly metrics?: Metrics | undefined;
  /** Where the spans of requests that start runs go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
}

export interface GatewayOptions extends HttpOptions {
  /** The folder of the editor's bundle. Default: no editor. */
  readonly editorDir?: string | undefined;
  /** Where a run's trace is, with `{trace_id}` in it. */
  readonly jaegerUrl?: string | undefined;
  /** Where `/` leads. Default: the editor's own first page. */
  readonly home?: string | undefined;
  /** What the monitoring page shows. Default: no such page. */
  readonly monitoring?: Monitoring | undefined;
  /** Most event streams at once. Default 1 000. */
  readonly maxStreams?: number | undefined;
  /** How long the reader of a stream may take nothing before it is cut off, ms. Default 60 000. */
  readonly stalledMs?: number | undefined;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Whether NATS and an orchestrator answer. */
  readiness(): Promise<Readiness>;
  /** Takes nothing new, ends streams, lets requests finish within `graceMs`. Runs go on; the connection stays open. */
  stop(): Promise<void>;
}

const DEFAULT_GRACE_MS = 5_000;
const DEFAULT_DRAIN_MS = 4_000;
const DEFAULT_MAX_STREAMS = 1_000;
const DEFAULT_STALLED_MS = 60_000;

/** @throws PortTaken, UsageError, ConnectionFailed */
export async function serveGateway(options: GatewayOptions): Promise<HttpServer> {
  const { nc, version, token, logger = silentLogger, jaegerUrl } = options;
  const { maxStreams = DEFAULT_MAX_STREAMS, stalledMs = DEFAULT_STALLED_MS } = options;
  const parts = await openParts(nc);
  const stopping = new AbortController();
  const { signal } = stopping;
  const waits = new AbortController();
  const metrics = httpMetrics(options.metrics ?? createMetrics({ service: "gateway", version }));
  const streams = new EventStreams({ metrics, logger, stopping: signal, maxStreams, stalledMs });
  const app = createApp({
    ...appOptions(options),
    logger,
    metrics,
    title: "RayFlow",
    routes: (operations) => {
      addExecuteRoutes(operations, parts, { metrics, stopping: waits.signal });
      addFlowRoutes(operations, parts);
      addNodeRoutes(operations, parts);
      addRunRoutes(operations, parts, signal);
      addRunEvents(operations, parts, streams);
      if (options.monitoring !== undefined)
        addMonitoringRoutes(operations, nc, options.monitoring, { streams, signal });
      addRunControlRoutes(operations, parts);
      addVariableRoutes(operations, parts);
      addAdminRoutes(operations, parts, { version, hasToken: token !== undefined, jaegerUrl });
      addHealthRoutes(operations, { nc, metrics, stopping: signal });
    },
    fallback: editorFiles(options.editorDir, options.home),
  });
  const release = () => {
    metrics.end();
    parts[Symbol.dispose]();
  };
  return serveApp(app, options, stopping, release, waits);
}

/** What of a server's options concerns its application. */
export function appOptions(options: HttpOptions) {
  return {
    host: options.host ?? DEFAULT_HOST,
    version: options.version,
    token: options.token,
    corsOrigins: options.corsOrigins ?? [],
    allowedHosts: options.allowedHosts ?? [],
    maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    tracing: options.tracing,
  };
}

/** An application on its port, until it is stopped. `release` comes last; `waits` ends those who wait, after a while. */
export async function serveApp(
  app: ReturnType<typeof createApp>,
  options: HttpOptions,
  stopping: AbortController,
  release: () => void,
  waits = stopping,
): Promise<HttpServer> {
  try {
    const { url, port, close } = await listen(app, options);
    const stop = async (): Promise<void> => {
      stopping.abort();
      const patience = setTimeout(() => waits.abort(), options.drainMs ?? DEFAULT_DRAIN_MS);
      await close(options.graceMs ?? DEFAULT_GRACE_MS);
      clearTimeout(patience);
      release();
    };
    const readiness = async (): Promise<Readiness> => {
      const found = await readinessOf(options.nc);
      return { ...found, ready: found.ready && !stopping.signal.aborted };
    };
    return { url, port, readiness, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    release();
    throw error;
  }
}
