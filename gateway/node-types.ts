/** The node types that a flow may use on a server: those that come with RayFlow, and what its actors declared. */
import type { NatsConnection } from "@nats-io/transport-node";
import { loadNodes } from "../actors/index.ts";
import type { NodeType } from "../flow/index.ts";
import { NodeCatalog } from "../store/index.ts";

/** What the actors of this server declared; in any language. */
export async function declaredNodeTypes(nc: NatsConnection): Promise<NodeType[]> {
  const catalog = await NodeCatalog.open(nc);
  return catalog.list();
}

export async function knownNodeTypes(nc: NatsConnection): Promise<Map<string, NodeType>> {
  const [{ nodes }, declared] = await Promise.all([loadNodes(), declaredNodeTypes(nc)]);
  const types = new Map([...nodes].map(([type, { nodeType }]) => [type, nodeType]));
  for (const nodeType of declared) types.set(nodeType.type, nodeType);
  return types;
}
