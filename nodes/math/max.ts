import { defineNode, float } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_max",
  title: "Maximum",
  category: "math",
  description: "The larger of x and y.",
  pure: true,
  inputs: { x: float(), y: float() },
  outputs: { result: float() },
  run: ({ inputs: { x, y } }) => ({ result: finite(Math.max(x, y), "max") }),
});
