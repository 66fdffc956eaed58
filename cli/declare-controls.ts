/** Declares what no actor serves: the node types that the orchestrator runs itself. */
import type { NatsConnection } from "@nats-io/transport-node";

/** Puts the control types that come with RayFlow into the catalog: an actor under a restricted role declares its own alone. */
export async function declareControls(nc: NatsConnection): Promise<void> {
  const [{ loadNodes }, { NodeCatalog }] = await Promise.all([
    import("../actors/index.ts"),
    import("../store/index.ts"),
  ]);
  const { nodes } = await loadNodes({});
  const controls = [...nodes.values()].map(({ nodeType }) => nodeType).filter(({ kind }) => kind !== "actor");
  await (await NodeCatalog.open(nc)).register(controls);
}
