/** What the nodes of a council hand to each other. What comes from outside is checked by the first of them. */
import { z } from "../../actors/sdk.ts";

export const seat = z.object({
  agent_id: z.string(),
  role: z.string(),
  profile: z.string().optional(),
  model: z.string().optional(),
  url: z.string().optional(),
  temperature: z.number().optional(),
  max_tokens: z.number().int().optional(),
  prompt_template: z.string().optional(),
});
export type Seat = z.infer<typeof seat>;

/** What everybody in a council knows. */
export const brief = z.object({
  task_id: z.string(),
  task: z.string(),
  role: z.string(),
  constraints: z.record(z.string(), z.unknown()),
  tenant: z.string(),
  /** 0: no limit. */
  budget_tokens: z.number(),
  /** Ms since 1970. */
  started_at: z.number(),
  deadline_at: z.number(),
  rounds: z.number().int(),
  stream: z.boolean(),
  url: z.string(),
  model: z.string(),
  rubric: z.array(z.record(z.string(), z.unknown())),
  agents: z.array(z.object({ agent_id: z.string(), role: z.string() })),
});
export type Brief = z.infer<typeof brief>;

const usage = z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() });

export const answer = z.object({
  agent_id: z.string(),
  role: z.string(),
  proposal: z.string(),
  reasoning: z.string(),
  round: z.number().int(),
  model: z.string(),
  endpoint: z.string(),
  usage,
  duration_ms: z.number(),
  stand_in: z.boolean(),
});
export type CouncilAnswer = z.infer<typeof answer>;

export const failure = z.object({
  agent_id: z.string(),
  role: z.string(),
  round: z.number().int(),
  error: z.object({ code: z.string(), message: z.string() }),
});

/** The answers so far: one per agent, its latest, in the order of the seats. */
export const councilState = z.object({
  answers: z.array(answer).default([]),
  failures: z.array(failure).default([]),
  /** Of all answers, also those that a later one took the place of. */
  usage: usage.default({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }),
});
export type CouncilState = z.infer<typeof councilState>;
