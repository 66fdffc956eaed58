/** `rayflow run FLOW --port N`: one flow as a service, until it is told to stop. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Tracing } from "../telemetry/index.ts";
import type { CliContext } from "./context.ts";
import type { FlowArgument } from "./flow-argument.ts";
import { exposureWarning, type HttpFlags, httpOptionsOf } from "./gateway-options.ts";
import { styled } from "./output.ts";
import { packageVersion } from "./package-info.ts";
import type { StopSignal } from "./signals.ts";

export interface ServeFlowOptions {
  readonly asked: FlowArgument;
  readonly http: HttpFlags;
  readonly port: number;
  /** How long a request waits for its run, ms. */
  readonly timeoutMs: number;
  readonly stop: StopSignal;
  /** Where the spans of its requests go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
}

/** @throws InvalidFlow, FlowNotFound, PortTaken, UsageError, ConnectionFailed */
export async function serveFlow(context: CliContext, nc: NatsConnection, options: ServeFlowOptions): Promise<void> {
  const { output, environment } = context;
  const { asked, port, timeoutMs, stop } = options;
  const http = httpOptionsOf(options.http, environment);
  const exposed = exposureWarning(http.host, http.token);
  if (exposed !== undefined) output.note(`warning: ${exposed}`);
  const [{ startFlowService }, { createLogger }] = await Promise.all([
    import("../gateway/index.ts"),
    import("./logger.ts"),
  ]);
  const logger = await createLogger({ environment, defaultLevel: "warn", name: "rayflow" });
  await using service = await startFlowService({
    ...http,
    nc,
    flow: asked,
    port,
    timeoutMs,
    tracing: options.tracing,
    logger,
    version: packageVersion(),
  });
  const { url } = service;
  if (output.format !== "table") output.json({ url });
  const say = output.format === "table" ? output.print : output.note;
  say(`The flow is served at ${styled(url, "cyan", output.color)}   (Ctrl-C stops it)`);
  say(`  POST ${url}/execute   its inputs as a JSON object`);
  say(`  GET  ${url}/schema    what it takes and gives`);
  say(`  GET  ${url}/docs      the same as a page`);
  await stop.received;
  say("Stopping ...");
}
