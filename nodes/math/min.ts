import { defineNode, float } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_min",
  title: "Minimum",
  category: "math",
  description: "The smaller of x and y.",
  pure: true,
  inputs: { x: float(), y: float() },
  outputs: { result: float() },
  run: ({ inputs: { x, y } }) => ({ result: finite(Math.min(x, y), "min") }),
});
