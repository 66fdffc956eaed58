/** The node types that flows may use. */
import { z } from "@hono/zod-openapi";
import { nodeType } from "../../flow/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { listNodes } from "../node-list.ts";
import type { Operations } from "./operation.ts";

const listed = nodeType.extend({
  documentation: z.string(),
  builtin: z.boolean().openapi({ description: "Comes with RayFlow; others are your own" }),
});

export function addNodeRoutes(operations: Operations, parts: GatewayParts): void {
  operations.add(
    {
      method: "get",
      path: "/api/nodes",
      id: "listNodes",
      tag: "nodes",
      summary: "List the node types",
      description: "Those that come with RayFlow, and what the actors of this server declare, as it is now.",
      answers: { 200: { description: "By type", schema: z.object({ nodes: z.array(listed) }) } },
    },
    ({ c }) => c.json({ nodes: listNodes(parts) }),
  );
}
