import { defineControl, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "return",
  kind: "return",
  title: "Return",
  category: "base",
  description: "Ends the run; its inputs are the result. One whose source was skipped is left out.",
  openInputs: true,
  config: z.object({
    name: z.string().optional().describe("Tells several returns apart in the result."),
    status_code: z.number().int().min(100).max(599).default(200),
    response_schema: z.record(z.string(), z.unknown()).optional(),
  }),
  exec: { outputs: [], error: false },
});
