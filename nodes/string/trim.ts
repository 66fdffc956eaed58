import { defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_trim",
  title: "Trim",
  category: "string",
  description: "The text without white space at its ends.",
  pure: true,
  inputs: { text: str() },
  outputs: { result: str() },
  run: ({ inputs: { text } }) => ({ result: text.trim() }),
});
