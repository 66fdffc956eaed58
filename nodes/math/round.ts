import { defineNode, float, int } from "../../actors/sdk.ts";
import { finite } from "./_finite.ts";

export default defineNode({
  type: "math_round",
  title: "Round",
  category: "math",
  description: "x rounded to so many decimal digits, halves away from zero; negative digits round to tens, hundreds…",
  pure: true,
  inputs: { x: float(), digits: int().default(0) },
  outputs: { result: float() },
  run: ({ inputs: { x, digits } }) => ({ result: finite(Math.sign(x) * roundPositive(Math.abs(x), digits), "round") }),
});

/** Shifts the decimal point in the written number, for 1.005 * 100 is 100.49999999999999. */
function roundPositive(x: number, digits: number): number {
  const shifted = shift(x, digits);
  // Beyond 2^53 there is no fraction left to round.
  if (shifted > Number.MAX_SAFE_INTEGER) return x;
  return shift(Math.round(shifted), -digits);
}

function shift(x: number, digits: number): number {
  const [mantissa, exponent] = String(x).split("e");
  return Number(`${mantissa}e${Number(exponent ?? 0) + digits}`);
}
