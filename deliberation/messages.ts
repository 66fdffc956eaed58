/**
 * What a deliberation takes, gives and publishes: every message of the council as a zod schema, and the subjects that
 * they go to. Nodes write them, the services around the council read them.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { runIdOf, safeToken } from "../nats/index.ts";

const v = z.literal(1);
const jsonObject = z.record(z.string(), z.unknown());
/** When it was written, ISO 8601. */
const timestamp = z.string();

// ------------------------------------------------------------------ what goes in

/** One member of the council. Keys beyond these are kept and shown to no model. */
export const councilAgent = z.looseObject({
  /** Distinct within its council. */
  id: z.string().min(1).max(128),
  /** Default: the deliberation's role. */
  role: z.string().optional(),
  /** Who the agent is and how it works, as its system prompt tells it. */
  profile: z.string().optional(),
  /** Default: the deliberation's model. */
  model: z.string().optional(),
  /** Default: the deliberation's endpoint, else the deployment's. */
  url: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.number().int().min(1).optional(),
  /** The user prompt, with `{task}`, `{role}`, `{constraints}` and `{peers}` filled in. Default: a built-in one. */
  prompt_template: z.string().optional(),
});
export type CouncilAgent = z.infer<typeof councilAgent>;

/** What answers are scored by. Without one: see docs/deliberations.md. */
export const rubricCriterion = z.looseObject({
  name: z.string().min(1).max(128),
  weight: z.number().positive().default(1),
  /** What is measured; `model` asks a model to score it from 0 to 1. */
  kind: z
    .enum(["includes", "excludes", "matches", "length", "json", "agreement", "coverage", "model"])
    .default("model"),
});
export type RubricCriterion = z.input<typeof rubricCriterion>;

// ----------------------------------------------------------------- what comes out

export const tokenUsage = z.object({
  prompt_tokens: z.number().int().nonnegative(),
  completion_tokens: z.number().int().nonnegative(),
  total_tokens: z.number().int().nonnegative(),
});
export type TokenUsage = z.infer<typeof tokenUsage>;

/** An agent's answer, with its score once it is judged. */
export const agentAnswer = z.object({
  agent_id: z.string(),
  role: z.string(),
  /** The answer itself. */
  proposal: z.string(),
  /** What the agent says of its way to the answer; empty when it says nothing. */
  reasoning: z.string(),
  /** The round in which it was given, from 1. */
  round: z.number().int().min(1),
  model: z.string(),
  endpoint: z.string(),
  /** Of this answer alone. */
  usage: tokenUsage,
  duration_ms: z.number().nonnegative(),
  /** A stand-in wrote it, not a model. */
  stand_in: z.boolean(),
});
export type AgentAnswer = z.infer<typeof agentAnswer>;

export const judgedAnswer = agentAnswer.extend({
  /** From 0 to 1. */
  score: z.number(),
  /** From 0 to 1 each. */
  criteria: z.record(z.string(), z.number()),
  /** From 1, without ties. */
  rank: z.number().int().min(1),
});
export type JudgedAnswer = z.infer<typeof judgedAnswer>;

export const agentFailure = z.object({
  agent_id: z.string(),
  role: z.string(),
  round: z.number().int().min(1),
  error: z.object({ code: z.string(), message: z.string() }),
});
export type AgentFailure = z.infer<typeof agentFailure>;

/** The `result` of a deliberation's run. */
export const deliberationResult = z.object({
  task_id: z.string(),
  role: z.string(),
  winner: judgedAnswer,
  /** Every answer that counts, best first: one per agent, its latest. */
  results: z.array(judgedAnswer).min(1),
  /** By agent. */
  scores: z.record(z.string(), z.number()),
  /** The agents and rounds without an answer. An agent may fail in a later round and still have its earlier answer. */
  failures: z.array(agentFailure),
  rounds: z.number().int().min(1),
  usage: tokenUsage,
  duration_ms: z.number().nonnegative(),
  /** A stand-in wrote at least one answer. */
  stand_in: z.boolean(),
});
export type DeliberationResult = z.infer<typeof deliberationResult>;

// ---------------------------------------------------------------------- on the wire

/** On `agent.results.<task_id>`, once per agent and round. `Nats-Msg-Id`: `<activation>:result`. */
export const agentResultEvent = z.discriminatedUnion("status", [
  z.object({
    v,
    event_type: z.literal("agent.result"),
    status: z.literal("completed"),
    task_id: z.string(),
    deliberation_id: z.string(),
    agent_id: z.string(),
    role: z.string(),
    round: z.number().int().min(1),
    answer: agentAnswer,
    timestamp,
  }),
  z.object({
    v,
    event_type: z.literal("agent.result"),
    status: z.literal("failed"),
    task_id: z.string(),
    deliberation_id: z.string(),
    agent_id: z.string(),
    role: z.string(),
    round: z.number().int().min(1),
    error: z.object({ code: z.string(), message: z.string() }),
    timestamp,
  }),
]);
export type AgentResultEvent = z.infer<typeof agentResultEvent>;

/**
 * On `vllm.streaming.<task_id>`, in order per agent, round and attempt. Lossy by nature: the answer itself comes on
 * `agent.results.<task_id>`. A `started` begins anew: with a higher `attempt` where a request was made again, with the
 * same one where another actor took over.
 */
export const streamingEvent = z.object({
  v,
  event_type: z.enum(["vllm.stream.started", "vllm.stream.token", "vllm.stream.completed", "vllm.stream.failed"]),
  task_id: z.string(),
  /** The run. */
  deliberation_id: z.string(),
  agent_id: z.string(),
  round: z.number().int().min(1),
  /** From 1: a request that is made again begins anew. */
  attempt: z.number().int().min(1),
  /** From 0, without gaps within an attempt. */
  seq: z.number().int().nonnegative(),
  /** The text since the event before; of `token` only. */
  token: z.string().optional(),
  model: z.string().optional(),
  /** Of `completed` only. */
  usage: tokenUsage.optional(),
  /** Of `failed` only. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  timestamp,
});
export type StreamingEvent = z.infer<typeof streamingEvent>;

const ended = {
  v,
  task_id: z.string(),
  /** The run. */
  deliberation_id: z.string(),
  task_description: z.string(),
  role: z.string(),
  /** As they were given: `story_id` and `plan_id` say where the task comes from. */
  constraints: jsonObject,
  story_id: z.string().optional(),
  plan_id: z.string().optional(),
  tenant: z.string(),
  agents: z.array(z.object({ agent_id: z.string(), role: z.string() })),
  timestamp,
};

/** On `orchestration.deliberation.completed`, once. `Nats-Msg-Id`: `orchestration.deliberation.completed:<run>`. */
export const deliberationCompletedEvent = z.object({
  ...ended,
  event_type: z.literal("orchestration.deliberation.completed"),
  ...deliberationResult.omit({ task_id: true, role: true }).shape,
  winner_agent_id: z.string(),
  /** What was decided, for those who keep decisions: one per deliberation. */
  decisions: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      /** The winning answer. */
      decision: z.string(),
      rationale: z.string(),
      decided_by: z.string(),
    }),
  ),
});
export type DeliberationCompletedEvent = z.infer<typeof deliberationCompletedEvent>;

/** On `orchestration.deliberation.failed`, once. A cancelled deliberation publishes neither. */
export const deliberationFailedEvent = z.object({
  ...ended,
  event_type: z.literal("orchestration.deliberation.failed"),
  error: z.object({ code: z.string(), message: z.string() }),
});
export type DeliberationFailedEvent = z.infer<typeof deliberationFailedEvent>;

export const deliberationSubjects = {
  /** A task's id may be any text: what is not fit for a subject is encoded (`safeToken`). */
  agentResults: (taskId: string) => `agent.results.${safeToken(taskId)}`,
  agentResultsAll: () => "agent.results.*",
  streaming: (taskId: string) => `vllm.streaming.${safeToken(taskId)}`,
  streamingAll: () => "vllm.streaming.*",
  completed: () => "orchestration.deliberation.completed",
  failed: () => "orchestration.deliberation.failed",
} as const;

// ----------------------------------------------------------------------------- ids

/** The `Nats-Msg-Id` of a deliberation's submission: one task is one deliberation. */
export function deliberationMsgId(taskId: string): string {
  // The server takes any header; what is very long or not plain ASCII is hashed.
  const plain = /^[\x21-\x7e]{1,256}$/.test(taskId);
  return `deliberation:${plain ? taskId : createHash("sha256").update(taskId).digest("base64url")}`;
}

/** The id of a task's deliberation, which is its run's id. */
export function deliberationIdOf(taskId: string): string {
  return runIdOf(deliberationMsgId(taskId));
}
