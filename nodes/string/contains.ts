import { bool, defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_contains",
  title: "Contains",
  category: "string",
  description: "Whether the text holds another.",
  pure: true,
  inputs: { text: str(), search: str() },
  outputs: { result: bool() },
  run: ({ inputs: { text, search } }) => ({ result: text.includes(search) }),
});
