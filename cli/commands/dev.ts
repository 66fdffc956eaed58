import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { type CliContext, contextOf } from "../context.ts";
import { DEFAULT_NATS_PORT, freePort, partLine, takeDataFolder } from "../dev-data.ts";
import { DEV_FOLDER } from "../dev-folder.ts";
import { DEFAULT_HTTP_HOST, httpOptionsOf, portOf } from "../gateway-options.ts";
import { addMetricsOptions, type MetricsFlags, openMetrics } from "../metrics-options.ts";
import { styled } from "../output.ts";
import { packageRoot, packageVersion } from "../package-info.ts";
import { type StopSignal, stopSignal } from "../signals.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf, wholeNumber } from "../stack-options.ts";
import { openTracing } from "../tracing.ts";

interface DevFlags extends NodeFlags, MetricsFlags {
  readonly port: number;
  readonly httpPort?: number;
  readonly dataDir: string;
  readonly actorPerType?: boolean;
  readonly example: boolean;
}

const EXAMPLE_FILE = "order.json";
const EXAMPLE_TIMEOUT_MS = 30_000;

export function register(program: Command): void {
  const command = program
    .command("dev")
    .description("run everything on this machine: nats-server, orchestrator, actors, gateway; shows an example flow")
    .option(
      "--port <n>",
      "port of the nats-server; a free one when it is taken",
      wholeNumber("--port", 1, 65535),
      DEFAULT_NATS_PORT,
    )
    .option(
      "--http-port <n>",
      "port of the editor and the API (default: 8000, or the next free one)",
      wholeNumber("--http-port", 0, 65535),
    )
    .option("--data-dir <folder>", "where the nats-server keeps its data", DEV_FOLDER)
    .option("--actor-per-type", "a process for each node type, not one for all")
    .option("--no-example", "do not publish the example flow");
  addMetricsOptions(addNodeOptions(command)).action(async (flags: DevFlags, self: Command) => {
    const context = contextOf(self);
    using stop = stopSignal(context.environment);
    await dev(context, flags, stop);
  });
}

async function dev(context: CliContext, flags: DevFlags, stop: StopSignal): Promise<void> {
  const { output } = context;
  // The account is what a person came for; with --json stdout is for one value, and the account goes aside.
  const say = output.format === "table" ? output.print : output.note;
  say(styled(`RayFlow ${packageVersion()}`, "bold", output.color));
  const data = takeDataFolder(flags.dataDir, say);
  try {
    const [{ startLocalStack }, { createLogger }, port] = await Promise.all([
      import("../local-stack.ts"),
      import("../logger.ts"),
      freePort(flags.port, say),
    ]);
    const logger = await createLogger({ environment: context.environment, defaultLevel: "warn", name: "rayflow" });
    const { environment } = context;
    await using observed = await openMetrics({ service: "dev", environment, flags, logger, isServed: true });
    await using traced = await openTracing({ service: "rayflow", environment, logger });
    await using stack = await startLocalStack({
      logger,
      tracing: traced.tracing,
      metrics: observed.metrics,
      nodesDir: nodesDirOf(flags),
      filesRoot: flags.filesRoot,
      allowPrivateAddresses: flags.allowPrivateAddresses ?? false,
      actorPerType: flags.actorPerType ?? false,
      service: true,
      gateway: {
        ...httpOptionsOf({ host: DEFAULT_HTTP_HOST }, context.environment),
        ...portOf(flags.httpPort),
        jaegerUrl: context.environment.RAYFLOW_JAEGER_URL,
      },
      actorLogs: true,
      storeDir: path.join(data.folder, "jetstream"),
      ...(port === undefined ? {} : { port }),
      signal: stop.signal,
      onPart: (part) => say(partLine(part)),
    });
    data.claim?.publish(stack.url);
    let result: unknown = null;
    if (flags.example) result = await showExample(context, stack.nc, say);
    const editor = stack.gateway?.url ?? "";
    if (output.format !== "table") {
      output.json({ url: stack.url, gateway_url: editor, data_dir: data.folder, example: result });
    }
    const { gateway } = stack;
    if (gateway !== undefined) observed.up(stack.nc, () => gateway.readiness());
    for (const line of hints(stack.url, editor)) say(line);
    await stop.received;
    observed.leave();
    say("");
    say("Stopping ...");
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    data.release();
  }
  say("Stopped.");
}

async function showExample(
  { output }: CliContext,
  nc: Parameters<typeof import("../publish-example.ts").publishExample>[0],
  say: (line: string) => void,
): Promise<unknown> {
  const [{ publishExample }, { progressPrinter }] = await Promise.all([
    import("../publish-example.ts"),
    import("../run-progress.ts"),
  ]);
  const file = path.join(packageRoot(), "examples", "flows", EXAMPLE_FILE);
  const { flow, cases } = JSON.parse(await readFile(file, "utf8"));
  const { inputs } = cases[0];
  say("");
  say(`Publishing examples/flows/${EXAMPLE_FILE} onto rayflow.flow.run with ${JSON.stringify(inputs)}`);
  const onEvent = progressPrinter(output, { values: false, print: (line) => say(`  ${line}`) });
  const result = await publishExample(nc, { flow, inputs }, { timeoutMs: EXAMPLE_TIMEOUT_MS, onEvent });
  say("");
  say(`Result: ${JSON.stringify(result, null, 2)}`);
  return result;
}

function hints(url: string, editor: string): string[] {
  const server = url === `nats://127.0.0.1:${DEFAULT_NATS_PORT}` ? "" : ` --server ${url}`;
  return [
    "",
    `RayFlow is up at ${url}. Ctrl-C stops it.`,
    `Draw and run flows in the editor: ${editor}`,
    "In another terminal:",
    `  npx rayflow run examples/flows/sum.json --input '{"x": 5, "y": 3}'${server}`,
    `  npx rayflow nodes list${server}`,
    `  npx rayflow nodes new text/shout`,
    `  npx rayflow doctor${server}`,
  ];
}
