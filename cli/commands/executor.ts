import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import { contextOf } from "../context.ts";
import { addMetricsOptions, type MetricsFlags, natsReadiness, openMetrics } from "../metrics-options.ts";
import { packageVersion } from "../package-info.ts";
import { stopSignal } from "../signals.ts";
import { wholeNumber } from "../stack-options.ts";
import { span } from "../topology-options.ts";

interface ExecutorFlags extends MetricsFlags {
  readonly host: string;
  readonly port?: number;
  readonly vllmUrl?: string;
  readonly vllmModel?: string;
  readonly councilSize?: number;
  readonly maxActive?: number;
  readonly plans: boolean;
  readonly tlsServerCert?: string;
  readonly tlsServerKey?: string;
  readonly tlsClientCa?: string;
  readonly grace?: number;
}

export function register(program: Command): void {
  const command = program
    .command("executor")
    .description("serve deliberations over gRPC and start those of approved plans; as many as you like")
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option(
      "--port <n>",
      "port of the gRPC service, 0 for any (GRPC_PORT, default 50056)",
      wholeNumber("--port", 0, 65_535),
    )
    .option("--vllm-url <url>", "model endpoint of tasks that name none (VLLM_URL; default: the actors' own)")
    .option("--vllm-model <name>", "model of tasks that name none (VLLM_MODEL)")
    .option(
      "--council-size <n>",
      "agents of a plan's task that names none (default 3)",
      wholeNumber("--council-size", 1, 64),
    )
    .option(
      "--max-active <n>",
      "deliberations that may go on at once (default: no limit)",
      wholeNumber("--max-active", 1, 1_000_000),
    )
    .option("--no-plans", "leave planning.plan.approved to others")
    .option("--tls-server-cert <file>", "serve TLS with this certificate")
    .option("--tls-server-key <file>", "and this key")
    .option("--tls-client-ca <file>", "let in only clients whose certificate this CA has signed")
    .option("--grace <duration>", 'how long calls under way may take when it stops (default "10s")', span("--grace"))
    .action(run);
  addMetricsOptions(command);
  command
    .command("setup")
    .description("make the streams and buckets of deliberations where they are missing, then end")
    .action(async (_flags: unknown, self: Command) => {
      const context = contextOf(self);
      const [nats, { setUpDeliberations }] = await Promise.all([
        import("../../nats/index.ts"),
        import("../../deliberation/index.ts"),
      ]);
      const nc = await nats.connectNats(context.connectOptions("rayflow executor setup"));
      try {
        await nats.requireServer(nc);
        const made = await setUpDeliberations(nc);
        const { output } = context;
        if (output.format === "table")
          output.print(made.length > 0 ? `made ${made.join(", ")}` : "everything is there");
        else output.json({ made });
      } finally {
        await nc.close();
      }
    });
}

async function run(flags: ExecutorFlags, self: Command): Promise<void> {
  const context = contextOf(self);
  const { environment } = context;
  const [nats, { startExecutor, DEFAULT_GRPC_PORT }, { createLogger }] = await Promise.all([
    import("../../nats/index.ts"),
    import("../../deliberation/index.ts"),
    import("../logger.ts"),
  ]);
  const logger = await createLogger({ environment, defaultLevel: "info", name: "executor" });
  const tls = await tlsOf(flags);
  using stop = stopSignal(environment);
  await using observed = await openMetrics({ service: "executor", environment, flags, logger });
  const nc = await nats.connectNats(context.connectOptions("rayflow executor"));
  try {
    const { version, advice } = await nats.requireServer(nc);
    if (advice !== undefined) logger.warn(advice);
    await using executor = await startExecutor({
      nc,
      host: flags.host,
      port: flags.port ?? Number(environment.GRPC_PORT ?? DEFAULT_GRPC_PORT),
      version: packageVersion(),
      defaults: {
        vllmUrl: flags.vllmUrl ?? environment.VLLM_URL,
        vllmModel: flags.vllmModel ?? environment.VLLM_MODEL,
      },
      councilSize: flags.councilSize,
      maxActive: flags.maxActive,
      plans: flags.plans,
      tls,
      graceMs: flags.grace,
      logger,
    });
    const address = `${flags.host}:${executor.port}`;
    logger.info({ address, port: executor.port, server: version, tls: tls !== undefined }, "executor is up");
    observed.up(nc, () => natsReadiness(nc));
    const signal = await stop.received;
    observed.leave();
    logger.info({ signal }, "executor stops");
  } finally {
    await nc.close();
  }
}

async function tlsOf({ tlsServerCert: certFile, tlsServerKey: keyFile, tlsClientCa }: ExecutorFlags) {
  if (certFile === undefined && keyFile === undefined && tlsClientCa === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new RayflowError("UsageError", "--tls-server-cert and --tls-server-key go together");
  }
  const [cert, key, clientCa] = await Promise.all([
    readPem(certFile),
    readPem(keyFile),
    tlsClientCa === undefined ? undefined : readPem(tlsClientCa),
  ]);
  return { cert, key, clientCa };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new RayflowError("UsageError", `${file} cannot be read: ${String(error)}`, { cause: error });
  }
}
