import { any, bool, defineNode, RayflowError, z } from "../../actors/sdk.ts";
import { jsonEqual } from "../_json-equal.ts";
import { jsonType } from "../_json-type.ts";

export default defineNode({
  type: "logic_compare",
  title: "Compare",
  category: "logic",
  description:
    "Compares a with b. == and != compare whole lists and dicts; the others order two numbers, two texts (by code unit) or two bools.",
  pure: true,
  inputs: { a: any(), b: any() },
  outputs: { result: bool() },
  config: z.object({ operator: z.enum(["==", "!=", "<", ">", "<=", ">="]).default("==") }),
  run({ inputs: { a, b }, config: { operator } }) {
    if (operator === "==") return { result: jsonEqual(a, b) };
    if (operator === "!=") return { result: !jsonEqual(a, b) };
    const order = compare(a, b, operator);
    if (operator === "<") return { result: order < 0 };
    if (operator === ">") return { result: order > 0 };
    return { result: operator === "<=" ? order <= 0 : order >= 0 };
  },
});

function compare(a: unknown, b: unknown, operator: string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  const message = `${jsonType(a)} ${operator} ${jsonType(b)}: these have no order`;
  throw new RayflowError("TypeMismatch", message, { retryable: false });
}
