import { bool, defineNode } from "../../actors/sdk.ts";

export default defineNode({
  type: "logic_or",
  title: "Or",
  category: "logic",
  description: "True when one of them is.",
  pure: true,
  inputs: { a: bool(), b: bool() },
  outputs: { result: bool() },
  run: ({ inputs: { a, b } }) => ({ result: a || b }),
});
