import { defineNode, z } from "rayflow";

/** A user's own node. `rayflow run examples/embed/greet.json --nodes-dir examples/nodes --input '{"name": "Ada"}'` */
export default defineNode({
  type: "text_shout",
  title: "Shout",
  category: "text",
  description: "Says it louder.",
  pure: true,
  inputs: { text: z.string() },
  outputs: { result: z.string() },
  config: z.object({ marks: z.number().int().min(1).max(10).default(1) }),
  run: ({ inputs, config }) => ({ result: inputs.text.toUpperCase() + "!".repeat(config.marks) }),
});
