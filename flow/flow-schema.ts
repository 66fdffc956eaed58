/** A JSON Schema for flow files, for editors that complete and check JSON. What a flow means is for the validator. */
import { z } from "zod";
import { apiSchema, errorStrategy, ID_PATTERN, nodePolicy } from "./flow.ts";
import { writtenTrigger } from "./trigger.ts";

const object = z.record(z.string(), z.unknown());
const id = z.string().regex(ID_PATTERN);
const handle = z.string().nullable().optional();

const settings = {
  label: z.string().optional(),
  config: z.looseObject({ api_schema: apiSchema.optional() }).optional(),
  policy: nodePolicy.optional(),
  constants: object.optional(),
  constantValues: object.optional(),
};

const node = z.looseObject({
  id,
  type: z.string().describe("category_name, like math_add"),
  position: z.object({ x: z.number(), y: z.number() }).optional(),
  ...settings,
  data: z.looseObject(settings).optional(),
});

const edge = z.looseObject({
  id: z.string().optional(),
  source: id,
  target: id,
  sourceHandle: handle.describe("exec-out, exec-<pin> or output-<name>"),
  targetHandle: handle.describe("exec-in or input-<name>"),
  type: z.string().optional(),
});

const connection = z.looseObject({
  from: id,
  to: id,
  fromExec: z.string().optional(),
  toExec: z.string().optional(),
  fromOutput: z.string().optional(),
  toInput: z.string().optional(),
});

const header = {
  name: z.string().optional(),
  version: z.string().optional(),
  description: z.string().optional(),
  variables: object.optional(),
  error_strategy: errorStrategy.optional(),
  drain: z.enum(["cancel", "await"]).optional(),
  triggers: z.array(writtenTrigger).optional().describe("what starts the flow once it is deployed"),
};

const graph = z.looseObject({ ...header, nodes: z.array(node), edges: z.array(edge) });
const connected = z.looseObject({ ...header, nodes: z.array(node), connections: z.array(connection) });
const exported = z.looseObject({ ...header, metadata: z.looseObject(header).optional(), flow: graph });
const wrapped = z.looseObject({ flow: z.union([exported, graph, connected]) });

/** Draft-07 JSON Schema of all shapes that `normalizeFlow` reads, as people write them. */
export function flowFileSchema(): Record<string, unknown> {
  return z.toJSONSchema(z.union([graph, connected, exported, wrapped]), { target: "draft-7", io: "input" });
}
