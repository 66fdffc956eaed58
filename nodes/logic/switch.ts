import { any, defineNode, take, z } from "../../actors/sdk.ts";
import { jsonEqual } from "../_json-equal.ts";

export default defineNode({
  type: "logic_switch",
  title: "Switch",
  category: "logic",
  description: "Goes on at the first case that equals the value, else at default.",
  inputs: { value: any() },
  config: z.object({ cases: z.array(z.unknown()).default([]).describe("The values of case_0, case_1…") }),
  exec: { from: "list", key: "cases", prefix: "case_", also: ["default"] },
  run({ inputs, config }) {
    const at = config.cases.findIndex((one) => jsonEqual(one, inputs.value));
    return take(at === -1 ? "default" : `case_${at}`);
  },
});
