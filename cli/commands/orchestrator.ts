import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { packageVersion } from "../package-info.ts";
import { stopSignal } from "../signals.ts";

export function register(program: Command): void {
  program
    .command("orchestrator")
    .description("drive runs: reads the log, decides what happens next, sends it to the actors")
    .action(async (_: unknown, self: Command) => {
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
      const nc = await nats.connectNats(context.connectOptions("rayflow orchestrator"));
      try {
        const { version, advice } = await nats.requireServer(nc);
        if (advice !== undefined) logger.warn(advice);
        const topology = await nats.ensureTopology(nc);
        for (const line of topology.kept) logger.warn(line);
        await using orchestrator = await startOrchestrator({ nc, topology, logger });
        await using _service = await startService(nc, { version: packageVersion(), orchestrator });
        logger.info({ id: orchestrator.id, server: version, partitions: topology.partitions }, "orchestrator is up");
        const signal = await stop.received;
        logger.info({ signal }, "orchestrator stops");
      } finally {
        await nc.close();
      }
    });
}
