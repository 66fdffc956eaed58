import { any, bool, defineNode } from "../../actors/sdk.ts";
import { conversionError } from "../_conversion-error.ts";

const TRUE = new Set(["true", "yes", "y", "on", "1"]);
const FALSE = new Set(["false", "no", "n", "off", "0", ""]);

export default defineNode({
  type: "data_to_bool",
  title: "To bool",
  category: "data",
  description:
    "0, null and texts like false, no, off, 0 and the empty one are false; other numbers, and true, yes, on, 1 are true.",
  pure: true,
  inputs: { value: any() },
  outputs: { result: bool() },
  run({ inputs: { value } }) {
    if (value === null) return { result: false };
    if (typeof value === "boolean") return { result: value };
    if (typeof value === "number") return { result: value !== 0 };
    const word = typeof value === "string" ? value.trim().toLowerCase() : undefined;
    if (word !== undefined && TRUE.has(word)) return { result: true };
    if (word !== undefined && FALSE.has(word)) return { result: false };
    throw conversionError(value, "bool");
  },
});
