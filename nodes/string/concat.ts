import { defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_concat",
  title: "Concatenate",
  category: "string",
  description: "a followed by b.",
  pure: true,
  inputs: { a: str(), b: str() },
  outputs: { result: str() },
  run: ({ inputs: { a, b } }) => ({ result: a + b }),
});
