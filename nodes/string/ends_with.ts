import { bool, defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_ends_with",
  title: "Ends with",
  category: "string",
  description: "Whether the text ends with another.",
  pure: true,
  inputs: { text: str(), search: str() },
  outputs: { result: bool() },
  run: ({ inputs: { text, search } }) => ({ result: text.endsWith(search) }),
});
