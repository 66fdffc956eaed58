import { any, defineNode, str, z } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_json_stringify",
  title: "Write JSON",
  category: "data",
  description: "The value as JSON text.",
  pure: true,
  inputs: { data: any() },
  outputs: { json_string: str() },
  config: z.object({ indent: z.number().int().min(0).max(10).default(0).describe("Spaces per level; 0: one line.") }),
  run: ({ inputs, config }) => ({ json_string: JSON.stringify(inputs.data, null, config.indent) }),
});
