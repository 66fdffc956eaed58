import { defineNode, float, RayflowError } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_divide",
  title: "Divide",
  category: "math",
  description: "x / y. Fails with DivideByZero when y is 0.",
  pure: true,
  inputs: { x: float(), y: float() },
  outputs: { result: float() },
  run({ inputs: { x, y } }) {
    if (y === 0) throw new RayflowError("DivideByZero", `${x} / 0`, { retryable: false });
    return { result: finite(x / y, "x / y") };
  },
});
