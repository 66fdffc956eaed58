import { apiSchema, defineControl, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "start",
  kind: "start",
  title: "Start",
  category: "base",
  description: "Where a run begins. Its outputs are the run's inputs.",
  outputsFromApiSchema: true,
  config: z.object({
    api_schema: apiSchema.optional().describe("The run's inputs by name; without it, every input becomes an output."),
  }),
  exec: { input: false, error: false },
});
