import { defineNode, str } from "../../actors/sdk.ts";
import { checkTextLength } from "../_text-limit.ts";

/** As `replaceAll` counts them: an empty text is found before each UTF-16 unit, and at the end. */
function occurrences(text: string, search: string): number {
  if (search === "") return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + search.length)) count++;
  return count;
}

export default defineNode({
  type: "string_replace",
  title: "Replace",
  category: "string",
  description: "Every occurrence of a text replaced; both are taken literally.",
  pure: true,
  inputs: { text: str(), search: str(), replacement: str() },
  outputs: { result: str() },
  run({ inputs: { text, search, replacement } }) {
    checkTextLength(text.length + occurrences(text, search) * (replacement.length - search.length));
    // As a function, for "$&" in a replacement text has a meaning.
    return { result: text.replaceAll(search, () => replacement) };
  },
});
