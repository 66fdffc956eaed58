import { defineNode, int } from "../../../../actors/sdk.ts";
import { recordEffect } from "./_ledger.ts";

export default defineNode({
  type: "chaos_sum",
  title: "Sum",
  category: "chaos",
  description: "Adds up what four branches gave.",
  inputs: { a: int(), b: int(), c: int(), d: int() },
  outputs: { value: int() },
  async run({ inputs: { a, b, c, d }, ctx }) {
    await recordEffect(ctx);
    return { value: a + b + c + d };
  },
});
