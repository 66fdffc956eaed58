import { defineNode, int, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "string_length",
  title: "Length",
  category: "string",
  description: "How many characters (Unicode code points) the text has.",
  pure: true,
  inputs: { text: str() },
  outputs: { length: int() },
  run: ({ inputs: { text } }) => ({ length: Array.from(text).length }),
});
