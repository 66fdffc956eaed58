/** The config that the nodes which ask a model have in common. */
import { duration, z } from "../../actors/sdk.ts";

export const modelConfig = z.object({
  url: z
    .string()
    .min(1)
    .optional()
    .describe("The endpoint's address, or several with commas. Default: those of the deployment."),
  model: z.string().min(1).optional().describe("Default: the deployment's model."),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z.number().int().optional(),
  max_tokens: z.number().int().min(1).default(1024),
  stop: z.array(z.string().min(1)).max(4).optional(),
  json_schema: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("A JSON Schema that the answer has to fit; checked when it comes, asked for again when it does not."),
  stream: z.boolean().default(false).describe("Whether tokens are published on vllm.streaming.<task_id>."),
  timeout: duration.default("2m").describe("Longest time of one request."),
  total_timeout: duration.default("10m").describe("Longest time of all tries with their waits."),
  max_attempts: z.number().int().min(1).max(20).default(4).describe("Requests in all, the first included."),
  api_key: z.string().min(1).optional().describe('Sent as a bearer token: best a secret, {"$secret": "name"}.'),
});
export type ModelConfig = z.output<typeof modelConfig>;
