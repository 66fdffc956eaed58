import { defineNode, float, int } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_floor",
  title: "Floor",
  category: "math",
  description: "The largest whole number that is not above x.",
  pure: true,
  inputs: { x: float() },
  outputs: { result: int() },
  run: ({ inputs: { x } }) => ({ result: finite(Math.floor(x), "floor") }),
});
