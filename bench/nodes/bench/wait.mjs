import { defineNode, int, z } from "rayflow";

/** Takes a while, a quarter more or less: keeps runs in flight. */
export default defineNode({
  type: "bench_wait",
  title: "Wait",
  category: "bench",
  description: "Adds one after three to five quarters of the time asked for.",
  inputs: { value: int() },
  outputs: { value: int() },
  config: z.object({ ms: z.number().min(0) }),
  async run({ inputs: { value }, config: { ms } }) {
    await new Promise((done) => setTimeout(done, ms * (0.75 + Math.random() / 2)));
    return { value: value + 1 };
  },
});
