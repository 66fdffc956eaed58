import { any, defineNode, int } from "../../actors/sdk.ts";
import { conversionError } from "../_conversion-error.ts";

export default defineNode({
  type: "data_to_int",
  title: "To int",
  category: "data",
  description: "A whole number: a fraction is cut off, text must hold a whole number, true is 1.",
  pure: true,
  inputs: { value: any() },
  outputs: { result: int() },
  run({ inputs: { value } }) {
    if (typeof value === "boolean") return { result: Number(value) };
    const whole = typeof value === "number" ? Math.trunc(value) + 0 : wholeNumber(value);
    if (whole === undefined || !Number.isSafeInteger(whole)) throw conversionError(value, "int");
    return { result: whole };
  },
});

function wholeNumber(value: unknown): number | undefined {
  return typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) + 0 : undefined;
}
