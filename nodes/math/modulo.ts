import { defineNode, float, RayflowError } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_modulo",
  title: "Modulo",
  category: "math",
  description: "What is left of x divided by y, with the sign of y. Fails with DivideByZero when y is 0.",
  pure: true,
  inputs: { x: float(), y: float() },
  outputs: { result: float() },
  run({ inputs: { x, y } }) {
    if (y === 0) throw new RayflowError("DivideByZero", `${x} modulo 0`, { retryable: false });
    const rest = x % y;
    return { result: finite(rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest, "x modulo y") };
  },
});
