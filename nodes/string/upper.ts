import { defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_upper",
  title: "Upper case",
  category: "string",
  description: "The text in capitals.",
  pure: true,
  inputs: { text: str() },
  outputs: { result: str() },
  run: ({ inputs: { text } }) => ({ result: text.toUpperCase() }),
});
