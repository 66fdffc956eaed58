import { any, bool, defineNode, take, z } from "../../actors/sdk.ts";

export default defineNode({
  type: "logic_if_else",
  title: "If / else",
  category: "logic",
  description: "One of two values, as the condition says; null when that one is absent.",
  pure: true,
  inputs: { condition: bool(), true_value: any().optional(), false_value: any().optional() },
  outputs: { result: any() },
  config: z.object({
    exec_branches: z.boolean().default(false).describe("Exec outputs true and false instead of finish."),
  }),
  exec: { from: "flag", key: "exec_branches", pins: ["true", "false"], otherwise: ["finish"] },
  run({ inputs, config }) {
    const result = (inputs.condition ? inputs.true_value : inputs.false_value) ?? null;
    return config.exec_branches ? take(inputs.condition ? "true" : "false", { result }) : { result };
  },
});
