import { defineNode, float, int } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_ceil",
  title: "Ceiling",
  category: "math",
  description: "The smallest whole number that is not below x.",
  pure: true,
  inputs: { x: float() },
  outputs: { result: int() },
  run: ({ inputs: { x } }) => ({ result: finite(Math.ceil(x), "ceil") }),
});
