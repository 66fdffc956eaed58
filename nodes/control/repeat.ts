import { any, defineControl, int, list, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_repeat",
  kind: "repeat",
  title: "Repeat",
  category: "control",
  description: "Runs its body a number of times; results are what the body feeds into collect.",
  inputs: { times: int(), collect: any().optional().describe("Connect what an iteration gives.") },
  outputs: { index: int(), results: list() },
  config: z.object({ max_iterations: z.number().int().min(1).optional() }),
  exec: { outputs: ["body", "completed"] },
});
