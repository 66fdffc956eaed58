/** The node types that flows may use, as the editor and other clients see them. */
import type { NodeType } from "../flow/index.ts";
import type { GatewayParts } from "./gateway-parts.ts";

export interface ListedNode extends NodeType {
  readonly documentation: string;
  /** Comes with RayFlow; others are the user's own. */
  readonly builtin: boolean;
}

/** By type. */
export function listNodes({ types, builtin }: Pick<GatewayParts, "types" | "builtin">): ListedNode[] {
  const nodes = [...types.values()].map((type) => ({
    ...type,
    documentation: type.description,
    builtin: builtin.has(type.type),
  }));
  return nodes.sort((a, b) => (a.type < b.type ? -1 : 1));
}
