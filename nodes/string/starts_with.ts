import { bool, defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_starts_with",
  title: "Starts with",
  category: "string",
  description: "Whether the text starts with another.",
  pure: true,
  inputs: { text: str(), search: str() },
  outputs: { result: bool() },
  run: ({ inputs: { text, search } }) => ({ result: text.startsWith(search) }),
});
