import { any, defineNode, float } from "../../actors/sdk.ts";
import { conversionError } from "../_conversion-error.ts";

/** Number() alone also takes "", "0x10" and "Infinity". */
const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

export default defineNode({
  type: "data_to_float",
  title: "To float",
  category: "data",
  description: "A number: text must hold a decimal number, true is 1.",
  pure: true,
  inputs: { value: any() },
  outputs: { result: float() },
  run({ inputs: { value } }) {
    if (typeof value === "number") return { result: value };
    if (typeof value === "boolean") return { result: Number(value) };
    const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : Number.NaN;
    if (!Number.isFinite(number)) throw conversionError(value, "float");
    return { result: number };
  },
});
