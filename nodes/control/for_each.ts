import { any, defineControl, int, list, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_for_each",
  kind: "for_each",
  title: "For each",
  category: "control",
  description: "Runs its body for each item; results are what the body feeds into collect.",
  inputs: { list: list(), collect: any().optional().describe("Connect what an iteration gives.") },
  outputs: { item: any(), index: int(), results: list(), count: int() },
  config: z.object({
    concurrency: z.number().int().min(1).default(1).describe("How many iterations run at a time."),
    on_item_error: z
      .enum(["fail", "skip", "collect"])
      .default("fail")
      .describe("skip: leave the item out of results; collect: put its error there."),
    max_iterations: z.number().int().min(1).optional(),
  }),
  exec: { outputs: ["body", "completed"] },
});
