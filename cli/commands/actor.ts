import { type Command, InvalidArgumentError, Option } from "commander";
import { contextOf, exitWith } from "../context.ts";
import { takeSecrets } from "../environment.ts";
import { addMetricsOptions, type MetricsFlags, openMetrics } from "../metrics-options.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf, wholeNumber } from "../stack-options.ts";
import { span } from "../topology-options.ts";
import { openTracing } from "../tracing.ts";

interface ActorFlags extends NodeFlags, MetricsFlags {
  readonly types?: readonly string[];
  readonly concurrency?: number;
  readonly ackWait?: number;
  readonly drain?: number;
  readonly restricted?: boolean;
  readonly prettyLogs?: boolean;
  readonly allowAddress?: readonly string[];
  readonly secretsDir?: string;
  readonly allowSecret?: Allowed;
}

const MAX_CONCURRENCY = 10_000;

type Allowed = Readonly<Record<string, readonly string[]>>;

function collectAllowed(text: string, before: Allowed = {}): Allowed {
  const [, type, name] = /^([a-z0-9_]+|\*)=([A-Za-z0-9._-]+|\*)$/.exec(text) ?? [];
  if (type === undefined || name === undefined) {
    throw new InvalidArgumentError("give type=name, as in io_http_request=api_key");
  }
  return { ...before, [type]: [...(before[type] ?? []), name] };
}

export function register(program: Command): void {
  const command = program
    .command("actor")
    .description("serve node types: takes their work from NATS, runs it, publishes the results")
    .option("--types <a,b>", "only these types (default: all that are found)", (text) =>
      text.split(",").map((t) => t.trim()),
    )
    .option(
      "--concurrency <n>",
      "executions that run at once in this process (default 64)",
      wholeNumber("--concurrency", 1, MAX_CONCURRENCY),
    )
    .option(
      "--ack-wait <duration>",
      'how soon work of a lost actor goes to another one (default "15s")',
      span("--ack-wait"),
    )
    .option(
      "--drain <duration>",
      'how long running work may go on when the process is told to stop (default "10s")',
      span("--drain"),
    )
    .option(
      "--allow-address <network>",
      "a private address or network that io_http_request may reach, as in 10.1.0.0/16, once or more",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option("--secrets-dir <folder>", "secrets that flows may name, one file each (RAYFLOW_SECRET_<NAME>)")
    .option(
      "--allow-secret <type=name>",
      "which node type may have which secret, once or more; * for all (default: each may have all)",
      collectAllowed,
    )
    .option(
      "--restricted",
      "make no streams and queues: with the rights of a role actor:<types> (see docs/security.md)",
    );
  // For a manager in a terminal, which this process cannot see.
  command.addOption(new Option("--pretty-logs").hideHelp());
  addMetricsOptions(addNodeOptions(command)).action(async (flags: ActorFlags, self: Command) => {
    const context = contextOf(self);
    const [{ readModelSettings, runActorProcess }, { createLogger }] = await Promise.all([
      import("../../actors/index.ts"),
      import("../logger.ts"),
    ]);
    const { environment } = context;
    // Under a manager its own log says what started; alone, a person wants to see it.
    const defaultLevel = process.connected ? "warn" : "info";
    const nodesDir = nodesDirOf(flags);
    const logger = await createLogger({ environment, defaultLevel, name: "actor", pretty: flags.prettyLogs });
    await using observed = await openMetrics({ service: "actor", environment, flags, logger });
    // What is sampled is decided where runs are taken in.
    await using traced = await openTracing({ service: "rayflow-actor", environment, logger, sampling: "parent" });
    exitWith(
      await runActorProcess({
        tracing: traced.tracing,
        connection: context.connectOptions("rayflow actor"),
        load: nodesDir === undefined ? {} : { userDirs: [nodesDir] },
        logger,
        metrics: observed.metrics,
        onUp: ({ nc, actor }) => observed.up(nc, () => actor.readiness()),
        types: flags.types,
        concurrency: flags.concurrency,
        ackWaitMs: flags.ackWait,
        drainMs: flags.drain,
        restricted: flags.restricted,
        models: readModelSettings(environment),
        secrets: { environment: takeSecrets(), folder: flags.secretsDir, allowed: flags.allowSecret },
        filesRoot: flags.filesRoot,
        allowPrivateAddresses: flags.allowPrivateAddresses,
        allowedAddresses: flags.allowAddress,
      }),
    );
  });
}
