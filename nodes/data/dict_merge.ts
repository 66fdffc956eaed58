import { defineNode, dict } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_dict_merge",
  title: "Merge dicts",
  category: "data",
  description: "The keys of both; where both have one, that of b.",
  pure: true,
  inputs: { a: dict(), b: dict() },
  outputs: { dict: dict() },
  run: ({ inputs: { a, b } }) => ({ dict: { ...a, ...b } }),
});
