import path from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import { connectIfServed, connectionArguments } from "../connection.ts";
import { type CliContext, contextOf } from "../context.ts";
import { DEFAULT_NATS_PORT, freePort, partLine, takeDataFolder } from "../dev-data.ts";
import { DEV_FOLDER } from "../dev-folder.ts";
import {
  addHttpOptions,
  addPortOption,
  exposureWarning,
  type HttpFlags,
  httpOptionsOf,
  portOf,
} from "../gateway-options.ts";
import type { LocalStackOptions } from "../local-stack.ts";
import { openMetrics } from "../metrics-options.ts";
import { mayOpen, openBrowser } from "../open-browser.ts";
import { styled } from "../output.ts";
import { packageVersion } from "../package-info.ts";
import { type StopSignal, stopSignal } from "../signals.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf } from "../stack-options.ts";
import { openTracing } from "../tracing.ts";

interface CreateFlags extends NodeFlags, HttpFlags {
  readonly port?: number;
  readonly dataDir: string;
  readonly jaegerUrl?: string;
  readonly open: boolean;
}

/** How long an orchestrator may take to answer before there is taken to be none, ms. */
const ASK_MS = 1_000;

export function register(program: Command): void {
  const command = program
    .command("create")
    .description("open the editor: draw flows, run them, watch them; starts what is not running yet");
  addHttpOptions(addPortOption(command))
    .option("--no-open", "do not open the browser")
    .option("--data-dir <folder>", "where a nats-server of its own keeps its data", DEV_FOLDER)
    .option("--jaeger-url <url>", "where a run's trace is, with {trace_id} in it (RAYFLOW_JAEGER_URL)");
  addNodeOptions(command)
    .addHelpText(
      "after",
      "\nWithout a server (--server, NATS_URL, a running `rayflow dev`) one is started, with an orchestrator and actors." +
        "\nOn a server where no orchestrator answers, these are started for it.",
    )
    .action(async (flags: CreateFlags, self: Command) => {
      const context = contextOf(self);
      using stop = stopSignal(context.environment);
      await create(context, flags, stop);
    });
}

async function create(context: CliContext, flags: CreateFlags, stop: StopSignal): Promise<void> {
  const { output, environment } = context;
  const say = output.format === "table" ? output.print : output.note;
  say(styled(`RayFlow ${packageVersion()}`, "bold", output.color));
  const http = {
    ...httpOptionsOf(flags, environment),
    ...portOf(flags.port),
    jaegerUrl: flags.jaegerUrl ?? environment.RAYFLOW_JAEGER_URL,
  };
  const exposed = exposureWarning(flags.host, http.token);
  if (exposed !== undefined) output.note(`warning: ${exposed}`);
  const { createLogger } = await import("../logger.ts");
  const logger = await createLogger({ environment, defaultLevel: "warn", name: "rayflow" });
  await using traced = await openTracing({ service: "rayflow", environment, logger });
  const { tracing } = traced;
  await using observed = await openMetrics({ service: "create", environment, flags: {}, logger, isServed: true });
  const { metrics } = observed;
  const serve = async (url: string, server: string): Promise<void> => {
    if (output.format !== "table") output.json({ url, server });
    say("");
    say(`The editor is at ${styled(url, "cyan", output.color)}   (Ctrl-C stops it)`);
    if (mayOpen(context, flags.open)) openBrowser(url);
    await stop.received;
    say("Stopping ...");
  };
  try {
    const running = await connectIfServed(context.flags, environment, "rayflow create");
    const local = {
      logger,
      metrics,
      tracing,
      nodesDir: nodesDirOf(flags),
      filesRoot: flags.filesRoot,
      allowPrivateAddresses: flags.allowPrivateAddresses ?? false,
      service: true,
      actorLogs: true,
      gateway: http,
      signal: stop.signal,
      onPart: (part) => say(partLine(part)),
    } satisfies LocalStackOptions;
    const { openGateway, startLocalStack } = await import("../local-stack.ts");
    if (running === undefined) {
      const data = takeDataFolder(flags.dataDir, say);
      try {
        const port = await freePort(DEFAULT_NATS_PORT, say);
        const storeDir = path.join(data.folder, "jetstream");
        await using stack = await startLocalStack({ ...local, storeDir, ...(port === undefined ? {} : { port }) });
        data.claim?.publish(stack.url);
        await serve(stack.gateway?.url ?? "", stack.url);
      } finally {
        data.release();
      }
      return;
    }
    await using connection = closing(running.nc);
    say(`  nats-server          ${running.url}`);
    const { hasOrchestrator } = await import("../../gateway/index.ts");
    if (await hasOrchestrator(connection.nc, ASK_MS)) {
      await using gateway = await openGateway(connection.nc, { ...http, metrics, tracing }, logger);
      say(partLine({ kind: "gateway", url: gateway.url }));
      await serve(gateway.url, running.url);
      return;
    }
    say("  no orchestrator answers there: starting one, and actors");
    const server = {
      connect: context.connectOptions("rayflow create"),
      actorFlags: connectionArguments(context.flags),
    };
    await using stack = await startLocalStack({ ...local, server });
    await serve(stack.gateway?.url ?? "", running.url);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    say("Stopped.");
  }
}

function closing(nc: NatsConnection): { readonly nc: NatsConnection } & AsyncDisposable {
  return { nc, [Symbol.asyncDispose]: () => nc.close() };
}
