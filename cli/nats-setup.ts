/** `rayflow nats setup`: everything on the server that RayFlow needs, made before the processes that use it. */
import type { Command } from "commander";
import { contextOf } from "./context.ts";
import { declareControls } from "./declare-controls.ts";
import { noServer } from "./flow-argument.ts";
import { addNodesDirOption, type NodeFlags, nodesDirOf } from "./stack-options.ts";
import { addTopologyOptions, span, type TopologyFlags, topologyOptionsOf } from "./topology-options.ts";

interface SetupFlags extends TopologyFlags, NodeFlags {
  readonly types?: readonly string[];
  readonly ackWait?: number;
}

export function addSetupCommand(nats: Command): void {
  const command = nats
    .command("setup")
    .description("make streams, buckets and queues on the server that is named; again: changes what can be changed")
    .option("--types <a,b>", "queues of these node types (default: all that are found here)", (text) =>
      text.split(",").map((type) => type.trim()),
    )
    .option(
      "--ack-wait <duration>",
      'how soon work of a lost actor goes to another one (default "15s")',
      span("--ack-wait"),
    );
  addNodesDirOption(addTopologyOptions(command)).action(async (flags: SetupFlags, self: Command) => {
    const context = contextOf(self);
    const { output } = context;
    const [{ connectIfRunning }, server] = await Promise.all([import("./connection.ts"), import("../nats/index.ts")]);
    const types = flags.types ?? (await actorTypes(flags));
    const running = await connectIfRunning(context.flags, context.environment, "rayflow nats setup");
    if (running === undefined) throw noServer();
    const { nc, url } = running;
    try {
      const { advice } = await server.requireServer(nc);
      if (advice !== undefined) output.note(advice);
      const topology = await server.ensureTopology(nc, topologyOptionsOf(flags));
      for (const line of topology.kept) output.note(line);
      // The key that signs executions: whoever may only read it finds it there.
      await (await import("../store/index.ts")).tokensOn(nc);
      const { jetstreamManager } = await import("@nats-io/jetstream");
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      await Promise.all([server.ensureSubmitConsumer(jsm), server.ensureTimerConsumer(jsm)]);
      const queue = flags.ackWait === undefined ? {} : { ackWaitMs: flags.ackWait };
      for (const type of types) await server.ensureNodeConsumer(jsm, type, queue);
      await declareControls(nc);
      if (output.format !== "table") return output.json({ server: url, settings: topology.settings, types });
      const { partitions, replicas } = topology;
      output.print(
        `set up on ${url}: ${partitions} partitions, ${replicas} replicas, queues of ${types.length} node types`,
      );
    } finally {
      await nc.close();
    }
  });
}

/** The types of this installation that an actor runs. */
async function actorTypes(flags: NodeFlags): Promise<string[]> {
  const { loadNodes } = await import("../actors/index.ts");
  const nodesDir = nodesDirOf(flags);
  const { nodes } = await loadNodes(nodesDir === undefined ? {} : { userDirs: [nodesDir] });
  return [...nodes.values()].flatMap(({ nodeType }) => (nodeType.kind === "actor" ? [nodeType.type] : [])).sort();
}
