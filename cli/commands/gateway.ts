import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { addHttpOptions, addPortOption, exposureWarning, type HttpFlags, httpOptionsOf } from "../gateway-options.ts";
import { addMetricsOptions, type MetricsFlags, openMetrics } from "../metrics-options.ts";
import { stopSignal } from "../signals.ts";

interface GatewayFlags extends HttpFlags, MetricsFlags {
  readonly port?: number;
  readonly jaegerUrl?: string;
  readonly editor: boolean;
}

const DEFAULT_PORT = 8000;

export function register(program: Command): void {
  const command = program
    .command("gateway")
    .description("serve the HTTP API and the editor: a service of its own, as many as you like");
  addMetricsOptions(addHttpOptions(addPortOption(command)))
    .option("--no-editor", "the API alone")
    .option("--jaeger-url <url>", "where a run's trace is, with {trace_id} in it (RAYFLOW_JAEGER_URL)")
    .action(async (flags: GatewayFlags, self: Command) => {
      const context = contextOf(self);
      const { environment } = context;
      const http = httpOptionsOf(flags, environment);
      const [nats, { openGateway }, { createLogger }] = await Promise.all([
        import("../../nats/index.ts"),
        import("../local-stack.ts"),
        import("../logger.ts"),
      ]);
      const logger = await createLogger({ environment, defaultLevel: "info", name: "gateway" });
      using stop = stopSignal(environment);
      await using observed = await openMetrics({ service: "gateway", environment, flags, logger, isServed: true });
      const nc = await nats.connectNats(context.connectOptions("rayflow gateway"));
      try {
        const { version, advice } = await nats.requireServer(nc);
        if (advice !== undefined) logger.warn(advice);
        const exposed = exposureWarning(flags.host, http.token);
        if (exposed !== undefined) logger.warn(exposed);
        const jaegerUrl = flags.jaegerUrl ?? environment.RAYFLOW_JAEGER_URL;
        const port = flags.port ?? DEFAULT_PORT;
        const { metrics } = observed;
        const options = { ...http, port, jaegerUrl, metrics, editor: flags.editor };
        await using gateway = await openGateway(nc, options, logger);
        observed.up(nc, () => gateway.readiness());
        logger.info({ url: gateway.url, server: version }, "gateway is up");
        const signal = await stop.received;
        observed.leave();
        logger.info({ signal }, "gateway stops");
      } finally {
        await nc.close();
      }
    });
}
