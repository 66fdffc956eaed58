import { defineNode, list, str } from "../../actors/sdk.ts";
import { toText } from "../_text.ts";

export default defineNode({
  type: "string_join",
  title: "Join",
  category: "string",
  description: "The parts as one text with the delimiter between them; a part that is no text is written as JSON.",
  pure: true,
  inputs: { parts: list(), delimiter: str().default("") },
  outputs: { result: str() },
  run: ({ inputs: { parts, delimiter } }) => ({ result: parts.map(toText).join(delimiter) }),
});
