import { any, defineNode, str } from "../../actors/sdk.ts";
import { conversionError } from "../_conversion-error.ts";

export default defineNode({
  type: "data_json_parse",
  title: "Parse JSON",
  category: "data",
  description: "The value that a JSON text stands for.",
  pure: true,
  inputs: { json_string: str() },
  outputs: { data: any() },
  run({ inputs }) {
    try {
      const data: unknown = JSON.parse(inputs.json_string);
      return { data };
    } catch (cause) {
      throw conversionError(inputs.json_string, "JSON", ` (${(cause as Error).message})`);
    }
  },
});
