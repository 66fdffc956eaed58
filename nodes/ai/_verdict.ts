/** What a judge says of a council's answers. */
import { z } from "../../actors/sdk.ts";
import { answer, failure } from "./_council.ts";

export const judged = answer.extend({
  /** From 0 to 1. */
  score: z.number(),
  /** From 0 to 1 each. */
  criteria: z.record(z.string(), z.number()),
  rank: z.number().int(),
});
export type Judged = z.infer<typeof judged>;

export const verdict = z.object({
  winner: judged,
  /** Best first. */
  results: z.array(judged).min(1),
  /** By agent. */
  scores: z.record(z.string(), z.number()),
  failures: z.array(failure),
  rounds: z.number().int(),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
  stand_in: z.boolean(),
});
export type Verdict = z.infer<typeof verdict>;
