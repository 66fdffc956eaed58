import { bool, defineNode } from "../../actors/sdk.ts";

export default defineNode({
  type: "logic_and",
  title: "And",
  category: "logic",
  description: "True when both are.",
  pure: true,
  inputs: { a: bool(), b: bool() },
  outputs: { result: bool() },
  run: ({ inputs: { a, b } }) => ({ result: a && b }),
});
