import { defineNode, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_replace",
  title: "Replace",
  category: "string",
  description: "Every occurrence of a text replaced; both are taken literally.",
  pure: true,
  inputs: { text: str(), search: str(), replacement: str() },
  outputs: { result: str() },
  run({ inputs: { text, search, replacement } }) {
    // As a function, for "$&" in a replacement text has a meaning.
    return { result: text.replaceAll(search, () => replacement) };
  },
});
