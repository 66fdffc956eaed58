import { defineNode, float } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_abs",
  title: "Absolute value",
  category: "math",
  description: "x without its sign.",
  pure: true,
  inputs: { x: float() },
  outputs: { result: float() },
  run: ({ inputs: { x } }) => ({ result: finite(Math.abs(x), "abs") }),
});
