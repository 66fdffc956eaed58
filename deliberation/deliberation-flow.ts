/** The flow of a deliberation, and what is submitted to run one. */
import { z } from "zod";
import { duration, durationMs, RayflowError } from "../flow/index.ts";
import { councilFlow, FLOW_NAME } from "./council-flow.ts";
import { councilAgent, deliberationMsgId, rubricCriterion } from "./messages.ts";

export { FLOW_NAME };

/** What a deliberation is asked with. */
export const deliberationRequest = z.object({
  task_id: z.string().min(1).max(512),
  task_description: z.string().min(1),
  role: z.string().min(1).max(128),
  /** Shown to the agents. `timeout_seconds` is the deadline when there is no other; `story_id` and `plan_id` are passed on. */
  constraints: z.record(z.string(), z.unknown()).default({}),
  agents: z.array(councilAgent).min(1).max(64),
  /** Default: what the deployment of the actors has (`VLLM_URL`, `RAYFLOW_MODEL_ENDPOINTS`). */
  vllm_url: z.string().optional(),
  vllm_model: z.string().optional(),
  /** Default 1: every agent answers once, without having seen the others. */
  rounds: z.number().int().min(1).max(10).default(1),
  /** How many answers it takes at the deadline. Default: more than half of the agents. */
  quorum: z.number().int().min(1).optional(),
  /** Longest time to collect the answers of all rounds. Default 10 minutes. */
  deadline: duration.optional(),
  /** Tokens of all agents and rounds together. Default: no limit. */
  budget_tokens: z.number().int().min(1).optional(),
  /** Whose limits count. Default "default". */
  tenant: z.string().min(1).max(64).default("default"),
  rubric: z.array(rubricCriterion).max(32).default([]),
  /** Whether tokens go out on `vllm.streaming.<task_id>`. Default true. */
  stream: z.boolean().default(true),
});
export type DeliberationRequest = z.input<typeof deliberationRequest>;

export interface Deliberation {
  readonly flow: Record<string, unknown>;
  readonly inputs: Record<string, unknown>;
  /** How to submit it: `publishRun(nc, {flow, inputs}, options)`. */
  readonly options: { readonly msgId: string };
}

const DEFAULT_DEADLINE = "10m";

/** @throws ValidationError when the request does not fit, or names an agent twice, or a quorum above their number. */
export function buildDeliberation(request: DeliberationRequest): Deliberation {
  const parsed = deliberationRequest.safeParse(request);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
    const first = issues[0];
    throw new RayflowError("ValidationError", `${first?.path ?? "deliberation"}: ${first?.message}`, {
      details: { issues },
    });
  }
  const { task_id, agents, quorum, vllm_url = "", vllm_model = "", budget_tokens = 0, ...rest } = parsed.data;
  const ids = agents.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw new RayflowError("ValidationError", `agents: two of them are called ${twice}`);
  if (quorum !== undefined && quorum > agents.length) {
    throw new RayflowError("ValidationError", `quorum: ${quorum} answers of ${agents.length} agents cannot be had`);
  }
  const { deadline: asked, constraints, ...inputs } = rest;
  const deadline = asked ?? secondsIn(constraints.timeout_seconds) ?? DEFAULT_DEADLINE;
  return {
    flow: councilFlow({ deadline }),
    inputs: {
      ...inputs,
      task_id,
      constraints,
      agents,
      quorum: quorum ?? Math.floor(agents.length / 2) + 1,
      vllm_url,
      vllm_model,
      budget_tokens,
      deadline_seconds: durationMs(deadline) / 1_000,
    },
    options: { msgId: deliberationMsgId(task_id) },
  };
}

function secondsIn(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}
