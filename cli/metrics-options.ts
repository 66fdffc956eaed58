/** Options of the processes whose metrics are read, and what reads them. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Metrics, Readiness, WatchedConnection } from "../telemetry/index.ts";
import type { Environment } from "./environment.ts";
import { packageVersion } from "./package-info.ts";
import { wholeNumber } from "./stack-options.ts";

export interface MetricsFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
}

export interface ProcessMetrics extends AsyncDisposable {
  readonly metrics: Metrics;
  /** The process is connected, and from now on says itself whether it is ready. */
  up(nc: WatchedConnection, isReady: () => Promise<Readiness>): void;
  /** The process has been told to stop: it is not ready any more. */
  leave(): void;
}

export interface MetricsOptions {
  /** `orchestrator`, `actor`, `gateway`, `dev`. */
  readonly service: string;
  readonly environment: Environment;
  readonly flags: MetricsFlags;
  readonly logger: Logger;
  /** Something else serves them too. Default false. */
  readonly isServed?: boolean;
}

const DEFAULT_HOST = "127.0.0.1";

export function addMetricsOptions(command: Command): Command {
  return command
    .option(
      "--metrics-port <n>",
      "serve /metrics, /healthz and /readyz there; 0 for any free port (RAYFLOW_METRICS_PORT; default: nowhere)",
      wholeNumber("--metrics-port", 0, 65_535),
    )
    .option("--metrics-host <address>", `address for that (RAYFLOW_METRICS_HOST; default ${DEFAULT_HOST})`);
}

/**
 * What this process counts into. It is served and sent as flags and variables say; without them it is counted and nothing
 * else.
 * @throws PortTaken, UsageError
 */
export async function openMetrics(options: MetricsOptions): Promise<ProcessMetrics> {
  const { service, environment, flags, logger, isServed = false } = options;
  const telemetry = await import("../telemetry/index.ts");
  const { otlp, attributes, warnings } = telemetry.metricsSettings(environment);
  for (const warning of warnings) logger.warn(warning);
  const metrics = telemetry.createMetrics({ service, version: packageVersion(), attributes, otlp });
  const port = flags.metricsPort ?? environment.RAYFLOW_METRICS_PORT;
  const host = flags.metricsHost ?? environment.RAYFLOW_METRICS_HOST ?? DEFAULT_HOST;
  const server = port === undefined ? undefined : await telemetry.startMetricsServer({ metrics, port, host });
  if (server) logger.info({ url: `${server.url}/metrics` }, "metrics are served");
  const isRead = server !== undefined || otlp !== undefined || isServed;
  const endObserving = isRead ? telemetry.observeProcess(metrics) : undefined;
  // Node code counts from the start, if it does; for `/metrics` of an API the first to ask is early enough.
  if (server !== undefined || otlp !== undefined) await metrics.start();
  return {
    metrics,
    up: (nc, isReady) => {
      if (isRead) telemetry.observeConnection(metrics, nc);
      server?.readyWhen(isReady);
    },
    leave: () => server?.leave(),
    [Symbol.asyncDispose]: async () => {
      endObserving?.();
      await server?.stop();
      await metrics.stop().catch((error: unknown) => logger.debug({ err: error }, "the last metrics were not sent"));
    },
  };
}

/** Of a process that needs nothing but NATS: whether the server answers. */
export async function natsReadiness(nc: NatsConnection): Promise<Readiness> {
  const nats = await nc.rtt().then(
    () => true,
    () => false,
  );
  return { ready: nats, nats };
}
