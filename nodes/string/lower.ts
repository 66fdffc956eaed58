import { defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_lower",
  title: "Lower case",
  category: "string",
  description: "The text in small letters.",
  pure: true,
  inputs: { text: str() },
  outputs: { result: str() },
  run: ({ inputs: { text } }) => ({ result: text.toLowerCase() }),
});
