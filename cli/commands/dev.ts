import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { type CliContext, contextOf } from "../context.ts";
import { claimDevFolder, DEV_FOLDER, type DevClaim, readDevState } from "../dev-folder.ts";
import type { StackPart } from "../local-stack.ts";
import { styled } from "../output.ts";
import { packageRoot, packageVersion } from "../package-info.ts";
import { type StopSignal, stopSignal } from "../signals.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf, wholeNumber } from "../stack-options.ts";

interface DevFlags extends NodeFlags {
  readonly port: number;
  readonly dataDir: string;
  readonly actorPerType?: boolean;
  readonly example: boolean;
}

const DEFAULT_PORT = 4222;
const EXAMPLE_FILE = "order.json";
const EXAMPLE_TIMEOUT_MS = 30_000;

export function register(program: Command): void {
  const command = program
    .command("dev")
    .description("run everything on this machine: nats-server, orchestrator, actors; shows an example flow")
    .option(
      "--port <n>",
      "port of the nats-server; a free one when it is taken",
      wholeNumber("--port", 1, 65535),
      DEFAULT_PORT,
    )
    .option("--data-dir <folder>", "where the nats-server keeps its data", DEV_FOLDER)
    .option("--actor-per-type", "a process for each node type, not one for all")
    .option("--no-example", "do not publish the example flow");
  addNodeOptions(command).action(async (flags: DevFlags, self: Command) => {
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
    await using stack = await startLocalStack({
      logger,
      nodesDir: nodesDirOf(flags),
      filesRoot: flags.filesRoot,
      allowPrivateAddresses: flags.allowPrivateAddresses ?? false,
      actorPerType: flags.actorPerType ?? false,
      service: true,
      actorLogs: true,
      storeDir: path.join(data.folder, "jetstream"),
      ...(port === undefined ? {} : { port }),
      signal: stop.signal,
      onPart: (part) => say(partLine(part)),
    });
    data.claim?.publish(stack.url);
    let result: unknown = null;
    if (flags.example) result = await showExample(context, stack.nc, say);
    if (output.format !== "table") output.json({ url: stack.url, data_dir: data.folder, example: result });
    for (const line of hints(stack.url)) say(line);
    await stop.received;
    say("");
    say("Stopping ...");
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    data.release();
  }
  say("Stopped.");
}

interface DataFolder {
  readonly folder: string;
  readonly claim: DevClaim | undefined;
  release(): void;
}

/** The folder that was asked for; a temporary one while another `rayflow dev` has that. */
function takeDataFolder(folder: string, say: (line: string) => void): DataFolder {
  const claim = claimDevFolder(folder);
  if (claim !== undefined) return { folder, claim, release: claim.release };
  const owner = readDevState(folder);
  say(
    `Another rayflow dev (process ${owner?.pid}, ${owner?.url ?? "starting"}) has ${folder}: using a temporary folder`,
  );
  const temporary = mkdtempSync(path.join(tmpdir(), "rayflow-dev-"));
  return {
    folder: temporary,
    claim: undefined,
    release: () => rmSync(temporary, { recursive: true, force: true }),
  };
}

/** The port, or undefined (any) when something listens there. */
async function freePort(port: number, say: (line: string) => void): Promise<number | undefined> {
  const { createServer } = await import("node:net");
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  if (free) return port;
  say(`Port ${port} is taken: using a free one`);
  return undefined;
}

function partLine(part: StackPart): string {
  switch (part.kind) {
    case "server":
      return `  nats-server ${part.version}   ${part.url}   (process ${part.pid})`;
    case "orchestrator":
      return `  orchestrator         ${part.id}`;
    case "actor":
      return `  actor                ${part.types} node types   (process ${part.pid})`;
    case "actor-exited":
      return `  an actor process ended; it starts again in ${part.restartInMs} ms`;
  }
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

function hints(url: string): string[] {
  const server = url === `nats://127.0.0.1:${DEFAULT_PORT}` ? "" : ` --server ${url}`;
  return [
    "",
    `RayFlow is up at ${url}. Ctrl-C stops it. In another terminal:`,
    `  npx rayflow run examples/flows/sum.json --input '{"x": 5, "y": 3}'${server}`,
    `  npx rayflow nodes list${server}`,
    `  npx rayflow nodes new text/shout`,
    `  npx rayflow doctor${server}`,
  ];
}
