/** The `rayflow` command: finds the one command that is meant, and loads that alone. */
import { Command, CommanderError } from "commander";
import { RayflowError } from "../flow/index.ts";
import { addConnectionOptions, CONNECTION_VALUE_OPTIONS } from "./connection.ts";
import { chosenExitCode, mayColor } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { addOutputOptions, createOutput, formatOf } from "./output.ts";
import { packageVersion } from "./package-info.ts";

export interface CommandModule {
  /** Adds the command, with its options and its action, to the program. */
  register(program: Command): void;
}

/** In the order of `--help`. */
const modules: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: () => import("./commands/run.ts"),
  validate: () => import("./commands/validate.ts"),
  publish: () => import("./commands/publish.ts"),
  runs: () => import("./commands/runs.ts"),
  debug: () => import("./commands/debug.ts"),
  deploy: () => import("./commands/deploy.ts"),
  flows: () => import("./commands/flows.ts"),
  nodes: () => import("./commands/nodes.ts"),
  create: () => import("./commands/create.ts"),
  dev: () => import("./commands/dev.ts"),
  orchestrator: () => import("./commands/orchestrator.ts"),
  actor: () => import("./commands/actor.ts"),
  gateway: () => import("./commands/gateway.ts"),
  deliberate: () => import("./commands/deliberate.ts"),
  executor: () => import("./commands/executor.ts"),
  context: () => import("./commands/context.ts"),
  monitoring: () => import("./commands/monitoring.ts"),
  nats: () => import("./commands/nats.ts"),
  backup: () => import("./commands/backup.ts"),
  restore: () => import("./commands/restore.ts"),
  k8s: () => import("./commands/k8s.ts"),
  top: () => import("./commands/top.ts"),
  doctor: () => import("./commands/doctor.ts"),
  completion: () => import("./commands/completion.ts"),
  version: () => import("./commands/version.ts"),
};
const aliases: Readonly<Record<string, string>> = { "list-nodes": "nodes", "new-node": "nodes" };
/** Options before the command whose next argument is their value. */
const VALUE_OPTIONS = new Set([...CONNECTION_VALUE_OPTIONS, "-o", "--output"]);
/** Speaks of all the others. */
const NEEDS_ALL = new Set(["completion"]);
/** A process that only waits for a stray handle is done: the longest it may linger, ms. */
const LINGER_MS = 1_000;

/** The program with all commands, or with the one that the arguments name. */
export async function createProgram(only?: string): Promise<Command> {
  const program = new Command("rayflow")
    .description("Runs visual flows on NATS: durable, one actor process per node type.")
    .version(packageVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showHelpAfterError(false);
  addOutputOptions(addConnectionOptions(program));
  const names = only === undefined ? Object.keys(modules) : [only];
  for (const load of names.map((name) => modules[name])) {
    const loaded = await load?.();
    loaded?.register(program);
  }
  return program;
}

/** Runs one command line; what happened is in the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(commandIn(args));
    if (args.length === 0) {
      process.stderr.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: "user" });
    return chosenExitCode();
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
    const output = createOutput(formatOf(args), mayColor({ NO_COLOR: process.env.NO_COLOR !== undefined }, true));
    return reportFailure(usageError(thrown, args), output, process.env.RAYFLOW_LOG_LEVEL === "debug");
  }
}

/** The command that the arguments name; undefined when all must be loaded to say. */
function commandIn(args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (VALUE_OPTIONS.has(arg)) at++;
    else if (!arg.startsWith("-")) {
      const name = aliases[arg] ?? arg;
      return Object.hasOwn(modules, name) && !NEEDS_ALL.has(name) ? name : undefined;
    }
  }
  return undefined;
}

function usageError(thrown: unknown, args: readonly string[]): unknown {
  if (!(thrown instanceof CommanderError)) return thrown;
  const command = commandIn(args);
  const message = thrown.message.replace(/^error: /, "").replace(/\n/g, " ");
  const help = `rayflow ${command === undefined ? "" : `${command} `}--help`;
  return new RayflowError("UsageError", `${message} (see ${help})`);
}

// `rayflow nodes list | head` is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(chosenExitCode());
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER_MS).unref();
