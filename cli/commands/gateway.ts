import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { addHttpOptions, addPortOption, exposureWarning, type HttpFlags, httpOptionsOf } from "../gateway-options.ts";
import { addMetricsOptions, type MetricsFlags, openMetrics } from "../metrics-options.ts";
import { stopSignal } from "../signals.ts";
import { span } from "../topology-options.ts";
import { openTracing } from "../tracing.ts";

export interface GatewayFlags extends HttpFlags, MetricsFlags {
  readonly port?: number;
  readonly jaegerUrl?: string;
  readonly editor: boolean;
  readonly drain?: number;
}

/** What a command that serves the gateway is called, and what it shows first. */
export interface GatewayRole {
  readonly name: string;
  readonly port: number;
  /** Where `/` leads. Default: the editor. */
  readonly home?: string;
}

const DEFAULT_DRAIN_MS = 20_000;
/** For the last answers to go out. */
const LAST_ANSWERS_MS = 1_000;
const ROLE: GatewayRole = { name: "gateway", port: 8000 };

export function register(program: Command): void {
  const command = program
    .command("gateway")
    .description("serve the HTTP API and the editor: a service of its own, as many as you like");
  addMetricsOptions(addHttpOptions(addPortOption(command)))
    .option("--no-editor", "the API alone")
    .option(
      "--drain <duration>",
      'how long callers may go on waiting for their runs when it is told to stop (default "20s")',
      span("--drain"),
    )
    .option("--jaeger-url <url>", "where a run's trace is, with {trace_id} in it (RAYFLOW_JAEGER_URL)")
    .action((flags: GatewayFlags, self: Command) => serveGateway(flags, self, ROLE));
}

/** Serves until a signal comes. */
export async function serveGateway(flags: GatewayFlags, self: Command, role: GatewayRole): Promise<void> {
  const context = contextOf(self);
  const { environment } = context;
  const http = httpOptionsOf(flags, environment);
  const [nats, { openGateway }, { createLogger }] = await Promise.all([
    import("../../nats/index.ts"),
    import("../local-stack.ts"),
    import("../logger.ts"),
  ]);
  const logger = await createLogger({ environment, defaultLevel: "info", name: role.name });
  using stop = stopSignal(environment);
  await using observed = await openMetrics({ service: "gateway", environment, flags, logger, isServed: true });
  await using traced = await openTracing({ service: "rayflow-gateway", environment, logger });
  const nc = await nats.connectNats(context.connectOptions(`rayflow ${role.name}`));
  try {
    const { version, advice } = await nats.requireServer(nc);
    if (advice !== undefined) logger.warn(advice);
    const exposed = exposureWarning(flags.host, http.token);
    if (exposed !== undefined) logger.warn(exposed);
    const jaegerUrl = flags.jaegerUrl ?? environment.RAYFLOW_JAEGER_URL;
    const port = flags.port ?? role.port;
    const { metrics } = observed;
    const drainMs = flags.drain ?? DEFAULT_DRAIN_MS;
    const options = {
      ...http,
      drainMs,
      graceMs: drainMs + LAST_ANSWERS_MS,
      tracing: traced.tracing,
      port,
      jaegerUrl,
      metrics,
      editor: flags.editor,
      home: role.home,
    };
    await using gateway = await openGateway(nc, options, logger);
    observed.up(nc, () => gateway.readiness());
    logger.info({ url: gateway.url, server: version }, `${role.name} is up`);
    const signal = await stop.received;
    observed.leave();
    logger.info({ signal }, `${role.name} stops`);
  } finally {
    await nc.close();
  }
}
