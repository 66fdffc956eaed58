import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { declareControls } from "../declare-controls.ts";
import { collectLimit, readLimits } from "../limit-options.ts";
import { addMetricsOptions, type MetricsFlags, openMetrics } from "../metrics-options.ts";
import { packageVersion } from "../package-info.ts";
import { stopSignal } from "../signals.ts";
import { addTopologyOptions, span, type TopologyFlags, topologyOptionsOf } from "../topology-options.ts";
import { openTracing } from "../tracing.ts";

interface OrchestratorFlags extends TopologyFlags, MetricsFlags {
  readonly restAfter?: number;
  readonly limit: Readonly<Record<string, number>>;
  readonly limitsFile?: string;
}

export function register(program: Command): void {
  const command = program
    .command("orchestrator")
    .description("drive runs: reads the log, decides what happens next, sends it to the actors")
    .option(
      "--rest-after <duration>",
      'a run without news for this long leaves memory (default "10s")',
      span("--rest-after"),
    )
    .option("--limit <name=n>", "what runs may take, once or more; docs/security.md lists all", collectLimit, {})
    .option("--limits-file <file>", "the same as JSON: {name: n, …}; --limit goes before it");
  addMetricsOptions(addTopologyOptions(command)).action(async (flags: OrchestratorFlags, self: Command) => {
    const context = contextOf(self);
    const [nats, { startOrchestrator }, { startService }, { createLogger }] = await Promise.all([
      import("../../nats/index.ts"),
      import("../../orchestrator/index.ts"),
      import("../../gateway/index.ts"),
      import("../logger.ts"),
    ]);
    const { environment } = context;
    const logger = await createLogger({ environment, defaultLevel: "info", name: "orchestrator" });
    using stop = stopSignal(environment);
    await using observed = await openMetrics({ service: "orchestrator", environment, flags, logger });
    await using traced = await openTracing({ service: "rayflow-orchestrator", environment, logger });
    const { tracing } = traced;
    const nc = await nats.connectNats(context.connectOptions("rayflow orchestrator"));
    try {
      const { version, advice } = await nats.requireServer(nc);
      if (advice !== undefined) logger.warn(advice);
      const topology = await nats.ensureTopology(nc, topologyOptionsOf(flags));
      for (const line of topology.kept) logger.warn(line);
      await declareControls(nc);
      await using orchestrator = await startOrchestrator({
        nc,
        topology,
        logger,
        metrics: observed.metrics,
        tracing,
        limits: { ...(await readLimits(flags.limitsFile)), ...flags.limit },
        ...(flags.restAfter === undefined ? {} : { restAfterMs: flags.restAfter }),
      });
      await using _service = await startService(nc, { version: packageVersion(), orchestrator, tracing });
      observed.up(nc, () => orchestrator.readiness());
      logger.info(
        { orchestrator: orchestrator.id, server: version, partitions: topology.partitions },
        "orchestrator is up",
      );
      const signal = await stop.received;
      observed.leave();
      logger.info({ signal }, "orchestrator stops");
    } finally {
      await nc.close();
    }
  });
}
