import { any, defineNode, str } from "../../actors/sdk.ts";
import { toText } from "../_text.ts";

export default defineNode({
  type: "data_to_str",
  title: "To str",
  category: "data",
  description: "Text as it is; everything else as JSON.",
  pure: true,
  inputs: { value: any() },
  outputs: { result: str() },
  run: ({ inputs }) => ({ result: toText(inputs.value) }),
});
