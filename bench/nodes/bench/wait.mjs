import { defineNode, int, z } from "rayflow";

/** Takes a while, more or less: keeps runs in flight. */
export default defineNode({
  type: "bench_wait",
  title: "Wait",
  category: "bench",
  description: "Adds one after a while.",
  inputs: { value: int() },
  outputs: { value: int() },
  config: z.object({ from_ms: z.number().min(0), to_ms: z.number().min(0) }),
  async run({ inputs: { value }, config: { from_ms, to_ms } }) {
    await new Promise((done) => setTimeout(done, from_ms + Math.random() * (to_ms - from_ms)));
    return { value: value + 1 };
  },
});
