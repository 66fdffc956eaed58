import { any, defineNode, z } from "../../actors/sdk.ts";
import { oneVariable } from "./_config.ts";

export default defineNode({
  type: "variables_set",
  title: "Set variable",
  category: "variables",
  description: "Sets the variable and passes the value on.",
  inputs: { value: any() },
  outputs: { value: any() },
  config: z.object(oneVariable),
  async run({ inputs, config, ctx }) {
    await ctx.variables.set(config.scope, config.variable_name, inputs.value);
    return { value: inputs.value };
  },
});
