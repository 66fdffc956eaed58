import { defineNode, float } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_subtract",
  title: "Subtract",
  category: "math",
  description: "x - y.",
  pure: true,
  inputs: { x: float(), y: float() },
  outputs: { result: float() },
  run: ({ inputs: { x, y } }) => ({ result: finite(x - y, "x - y") }),
});
