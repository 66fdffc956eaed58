import { defineNode, list, str } from "../../actors/sdk.ts";
import { toText } from "../_text.ts";
import { checkTextLength } from "../_text-limit.ts";

export default defineNode({
  type: "string_join",
  title: "Join",
  category: "string",
  description: "The parts as one text with the delimiter between them; a part that is no text is written as JSON.",
  pure: true,
  inputs: { parts: list(), delimiter: str().default("") },
  outputs: { result: str() },
  run({ inputs: { parts, delimiter } }) {
    const texts = parts.map(toText);
    checkTextLength(texts.reduce((sum, text) => sum + text.length + delimiter.length, 0));
    return { result: texts.join(delimiter) };
  },
});
