import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import { type CliContext, contextOf } from "../context.ts";
import { addMetricsOptions, type MetricsFlags, natsReadiness, openMetrics } from "../metrics-options.ts";
import { packageVersion } from "../package-info.ts";
import { stopSignal } from "../signals.ts";

interface ContextFlags extends MetricsFlags {
  readonly neo4j?: string;
  readonly neo4jUser?: string;
  readonly neo4jPassword?: string;
  readonly neo4jDatabase?: string;
  readonly valkey?: string;
}

export function register(program: Command): void {
  const command = addStoreOptions(
    program.command("context").description("keep what deliberations decide: a graph in Neo4j, or on JetStream KV"),
  ).action(run);
  addMetricsOptions(command);
  addStoreOptions(command.command("show").description("what is known of a task").argument("<task-id>")).action(show);
}

function addStoreOptions(command: Command): Command {
  return command
    .option("--neo4j <url>", "graph database, like bolt://host:7687 (NEO4J_URI; default: on JetStream KV)")
    .option("--neo4j-user <name>", "its user (NEO4J_USER, default neo4j)")
    .option("--neo4j-password <text>", "its password (NEO4J_PASSWORD)")
    .option("--neo4j-database <name>", "its database (NEO4J_DATABASE)")
    .option("--valkey <url>", "cache of tasks, like redis://host:6379 (VALKEY_URL; default: none)");
}

async function run(flags: ContextFlags, self: Command): Promise<void> {
  const context = contextOf(self);
  const { environment } = context;
  const [nats, { startContext }, { createLogger }] = await Promise.all([
    import("../../nats/index.ts"),
    import("../../deliberation/index.ts"),
    import("../logger.ts"),
  ]);
  const logger = await createLogger({ environment, defaultLevel: "info", name: "context" });
  const stores = storesOf(context, self);
  using stop = stopSignal(environment);
  await using observed = await openMetrics({ service: "context", environment, flags, logger });
  const nc = await nats.connectNats(context.connectOptions("rayflow context"));
  try {
    const { version, advice } = await nats.requireServer(nc);
    if (advice !== undefined) logger.warn(advice);
    await using service = await startContext({ nc, ...stores, version: packageVersion(), logger });
    logger.info({ store: service.store, server: version }, "context service is up");
    observed.up(nc, () => natsReadiness(nc));
    const signal = await stop.received;
    observed.leave();
    logger.info({ signal }, "context service stops");
  } finally {
    await nc.close();
  }
}

async function show(taskId: string, _flags: ContextFlags, self: Command): Promise<void> {
  const context = contextOf(self);
  const { output } = context;
  const [nats, { openContextStore }] = await Promise.all([
    import("../../nats/index.ts"),
    import("../../deliberation/index.ts"),
  ]);
  const nc = await nats.connectNats(context.connectOptions("rayflow context show"));
  try {
    await nats.requireServer(nc);
    await using store = await openContextStore({ nc, ...storesOf(context, self) });
    const found = await store.task(taskId);
    if (found === undefined) throw new RayflowError("DataNotAvailable", `nothing is known of task ${taskId}`);
    output.json(found);
  } finally {
    await nc.close();
  }
}

/** The options may stand before or behind `show`. */
function storesOf({ environment }: CliContext, command: Command) {
  const flags = command.optsWithGlobals<ContextFlags>();
  const url = flags.neo4j ?? environment.NEO4J_URI;
  const valkey = flags.valkey ?? environment.VALKEY_URL;
  for (const [name, address] of Object.entries({ "--neo4j": url, "--valkey": valkey })) {
    if (address !== undefined && !URL.canParse(address)) {
      throw new RayflowError("UsageError", `${name} is an address like ${ADDRESSES[name]}, not ${address}`);
    }
  }
  return {
    ...(url === undefined
      ? {}
      : {
          neo4j: {
            url,
            user: flags.neo4jUser ?? environment.NEO4J_USER,
            password: flags.neo4jPassword ?? environment.NEO4J_PASSWORD,
            database: flags.neo4jDatabase ?? environment.NEO4J_DATABASE,
          },
        }),
    ...(valkey === undefined ? {} : { valkey: { url: valkey } }),
  };
}

const ADDRESSES: Readonly<Record<string, string>> = {
  "--neo4j": "bolt://host:7687",
  "--valkey": "redis://host:6379",
};
