import { defineNode, dict, z } from "../../actors/sdk.ts";
import { scope } from "./_config.ts";

export default defineNode({
  type: "variables_list",
  title: "List variables",
  category: "variables",
  description: "All variables of a scope, by name.",
  pure: true,
  outputs: { variables: dict() },
  config: z.object({ scope }),
  async run({ config, ctx }) {
    return { variables: await ctx.variables.list(config.scope) };
  },
});
