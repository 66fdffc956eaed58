import { bool, defineNode, take } from "../../actors/sdk.ts";

export default defineNode({
  type: "logic_branch",
  title: "Branch",
  category: "logic",
  description: "Goes on at true or at false.",
  inputs: { condition: bool() },
  exec: ["true", "false"],
  run: ({ inputs }) => take(inputs.condition ? "true" : "false"),
});
