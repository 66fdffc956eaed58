import { defineNode, str } from "../../actors/sdk.ts";
import { checkTextLength } from "../_text-limit.ts";

export default defineNode({
  type: "string_concat",
  title: "Concatenate",
  category: "string",
  description: "a followed by b.",
  pure: true,
  inputs: { a: str(), b: str() },
  outputs: { result: str() },
  run({ inputs: { a, b } }) {
    checkTextLength(a.length + b.length);
    return { result: a + b };
  },
});
