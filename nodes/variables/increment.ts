import { defineNode, float, z } from "../../actors/sdk.ts";
import { oneVariable } from "./_config.ts";

export default defineNode({
  type: "variables_increment",
  title: "Increment variable",
  category: "variables",
  description: "Adds to a number, from 0 when it is not set; once per activation, however often it is delivered.",
  inputs: { by: float().default(1) },
  outputs: { value: float() },
  config: z.object(oneVariable),
  async run({ inputs, config, ctx }) {
    return { value: await ctx.variables.increment(config.scope, config.variable_name, inputs.by) };
  },
});
