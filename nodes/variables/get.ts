import { any, defineNode, z } from "../../actors/sdk.ts";
import { oneVariable } from "./_config.ts";

export default defineNode({
  type: "variables_get",
  title: "Get variable",
  category: "variables",
  description: "The value of this moment; the configured default, else null, when it is not set.",
  pure: true,
  outputs: { value: any() },
  config: z.object({ ...oneVariable, default: z.unknown().optional() }),
  async run({ config, ctx }) {
    const found = await ctx.variables.get(config.scope, config.variable_name);
    return { value: found ? found.value : (config.default ?? null) };
  },
});
