import { defineNode, int, z } from "../../../../actors/sdk.ts";
import { recordEffect } from "./_ledger.ts";

export default defineNode({
  type: "chaos_step",
  title: "Step",
  category: "chaos",
  description: "Adds to a value; has an effect, and takes a little while on both sides of it.",
  inputs: { value: int() },
  outputs: { value: int() },
  config: z.object({ by: z.number().int().default(1), work_ms: z.number().default(0) }),
  async run({ inputs, config, ctx }) {
    await pause(config.work_ms);
    await recordEffect(ctx);
    await pause(config.work_ms);
    return { value: inputs.value + config.by };
  },
});

function pause(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((done) => setTimeout(done, ms)) : undefined;
}
