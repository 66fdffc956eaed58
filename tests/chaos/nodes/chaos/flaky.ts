import { defineNode, int, z } from "../../../../actors/sdk.ts";
import { recordEffect } from "./_ledger.ts";

export default defineNode({
  type: "chaos_flaky",
  title: "Flaky",
  category: "chaos",
  description: "Fails until the attempt that its config names.",
  inputs: { value: int() },
  outputs: { value: int() },
  config: z.object({ succeeds_at: z.number().int().min(1) }),
  async run({ inputs, config, ctx }) {
    await recordEffect(ctx);
    if (ctx.attempt < config.succeeds_at) throw new Error(`attempt ${ctx.attempt} of ${config.succeeds_at}`);
    return { value: inputs.value + 1 };
  },
});
