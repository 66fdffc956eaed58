import { bool, defineNode, z } from "../../actors/sdk.ts";
import { oneVariable } from "./_config.ts";

export default defineNode({
  type: "variables_delete",
  title: "Delete variable",
  category: "variables",
  description: "Deletes the variable; says whether there was one.",
  outputs: { deleted: bool() },
  config: z.object(oneVariable),
  async run({ config, ctx }) {
    return { deleted: await ctx.variables.delete(config.scope, config.variable_name) };
  },
});
