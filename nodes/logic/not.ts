import { bool, defineNode } from "../../actors/sdk.ts";

export default defineNode({
  type: "logic_not",
  title: "Not",
  category: "logic",
  description: "The opposite.",
  pure: true,
  inputs: { value: bool() },
  outputs: { result: bool() },
  run: ({ inputs }) => ({ result: !inputs.value }),
});
