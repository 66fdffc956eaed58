import { defineNode, list, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_split",
  title: "Split",
  category: "string",
  description: "The parts between the delimiters; an empty delimiter splits into characters.",
  pure: true,
  inputs: { text: str(), delimiter: str() },
  outputs: { parts: list(str()) },
  run: ({ inputs: { text, delimiter } }) => ({ parts: delimiter === "" ? Array.from(text) : text.split(delimiter) }),
});
