import { bool, defineNode, z } from "../../actors/sdk.ts";
import { oneVariable } from "./_config.ts";

export default defineNode({
  type: "variables_exists",
  title: "Variable exists",
  category: "variables",
  description: "Whether the variable is set; null is a value.",
  pure: true,
  outputs: { exists: bool() },
  config: z.object(oneVariable),
  async run({ config, ctx }) {
    return { exists: await ctx.variables.exists(config.scope, config.variable_name) };
  },
});
