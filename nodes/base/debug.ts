import { any, defineNode, z } from "../../actors/sdk.ts";

export default defineNode({
  type: "base_debug",
  title: "Debug",
  category: "base",
  description: "Logs the value under a label and passes it on.",
  inputs: { value: any() },
  outputs: { value: any() },
  config: z.object({ label: z.string().default("debug") }),
  run({ inputs, config, ctx }) {
    ctx.log.info(config.label, { label: config.label, value: inputs.value });
    return { value: inputs.value };
  },
});
