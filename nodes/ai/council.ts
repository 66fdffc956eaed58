import { defineNode, dict, float, int, list, RayflowError, str, z } from "../../actors/sdk.ts";
import type { Brief, Seat } from "./_council.ts";

const member = z.looseObject({
  id: z.string().min(1).max(128),
  role: z.string().optional(),
  profile: z.string().optional(),
  model: z.string().optional(),
  url: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.number().int().min(1).optional(),
  prompt_template: z.string().optional(),
});
const KEPT = ["profile", "model", "url", "temperature", "max_tokens", "prompt_template"] as const;

export default defineNode({
  type: "ai_council",
  title: "Council",
  category: "ai",
  description: "Seats the agents of a deliberation, starts its clock, and says what everybody has to know.",
  inputs: {
    task_id: str(),
    task_description: str(),
    role: str(),
    agents: list(member).describe(
      "{id, role?, profile?, model?, url?, temperature?, max_tokens?, prompt_template?} each.",
    ),
    constraints: dict().default({}),
    vllm_url: str().default(""),
    vllm_model: str().default(""),
    rounds: int().min(1).max(10).default(1),
    quorum: int().min(0).default(0).describe("0: more than half of the agents."),
    deadline_seconds: float().positive().default(600),
    budget_tokens: int().min(0).default(0).describe("0: no limit."),
    tenant: str().default("default"),
    rubric: list(dict()).default([]),
    stream: z.boolean().default(true),
  },
  outputs: { seats: list(dict()), brief: dict(), rounds: int(), quorum: int() },
  run({ inputs, ctx }) {
    const { task_id, task_description, role, agents, constraints, rounds, tenant, budget_tokens, stream } = inputs;
    if (agents.length === 0) throw new RayflowError("ValidationError", "a council needs an agent at least");
    const ids = agents.map(({ id }) => id);
    const twice = ids.find((id, at) => ids.indexOf(id) !== at);
    if (twice !== undefined) throw new RayflowError("ValidationError", `two agents are called ${twice}`);
    const quorum = inputs.quorum === 0 ? Math.floor(agents.length / 2) + 1 : inputs.quorum;
    if (quorum > agents.length) {
      throw new RayflowError("ValidationError", `${quorum} answers of ${agents.length} agents cannot be had`);
    }
    const seats = agents.map((agent): Seat => {
      const own = KEPT.flatMap((key) => (agent[key] === undefined || agent[key] === "" ? [] : [[key, agent[key]]]));
      return { agent_id: agent.id, role: agent.role || role, ...Object.fromEntries(own) };
    });
    const now = Date.now();
    const brief: Brief = {
      task_id,
      task: task_description,
      role,
      constraints,
      tenant,
      budget_tokens,
      started_at: now,
      deadline_at: now + inputs.deadline_seconds * 1_000,
      rounds,
      stream,
      url: inputs.vllm_url,
      model: inputs.vllm_model,
      rubric: inputs.rubric,
      agents: seats.map(({ agent_id, role: own }) => ({ agent_id, role: own })),
    };
    ctx.resources.models.observer.deliberationStarted();
    return { seats: seats.map((one) => ({ ...one })), brief: { ...brief }, rounds, quorum };
  },
});
