/** A plan that was approved, as it comes on `planning.plan.approved`, and the deliberations that its tasks become. */
import { z } from "zod";
import { type DeliberationRequest, deliberationRequest } from "../deliberation-flow.ts";
import type { councilAgent } from "../messages.ts";

export const PLAN_APPROVED = "planning.plan.approved";
export const PLAN_REFUSED = "planning.plan.refused";
export const PLAN_STARTED = "orchestration.plan.started";

const id = z.string().min(1).max(128);
const { task_description, role, agents, rounds, quorum, deadline, budget_tokens, tenant, rubric, stream } =
  deliberationRequest.shape;
/** What the plan says for all its tasks, and a task for itself. */
const shared = {
  role: role.optional(),
  agents: agents.optional(),
  constraints: z.record(z.string(), z.unknown()).optional(),
  vllm_url: z.string().optional(),
  vllm_model: z.string().optional(),
  rounds: rounds.unwrap().optional(),
  quorum,
  deadline,
  budget_tokens,
  tenant: tenant.unwrap().optional(),
  rubric: rubric.unwrap().optional(),
  stream: stream.unwrap().optional(),
};

/** Keys beyond these are left alone: planners say more than we need. */
export const approvedPlan = z.looseObject({
  plan_id: id,
  story_id: z.string().optional(),
  tasks: z
    .array(z.looseObject({ ...shared, task_id: id, task_description }))
    .min(1)
    .max(1_000)
    .refine((tasks) => new Set(tasks.map(({ task_id }) => task_id)).size === tasks.length, {
      message: "two tasks have the same task_id",
    }),
  ...shared,
});
export type ApprovedPlan = z.infer<typeof approvedPlan>;

/** On `orchestration.plan.started`, when every task of a plan has its deliberation. */
export interface PlanStartedEvent {
  readonly v: 1;
  readonly event_type: typeof PLAN_STARTED;
  readonly plan_id: string;
  readonly story_id?: string;
  readonly deliberations: readonly { readonly task_id: string; readonly deliberation_id: string }[];
  readonly timestamp: string;
}

/** On `planning.plan.refused`: a plan that cannot be read, or a task of it that cannot be deliberated. */
export interface PlanRefusedEvent {
  readonly v: 1;
  readonly event_type: typeof PLAN_REFUSED;
  readonly plan_id?: string;
  readonly task_id?: string;
  readonly error: { readonly code: string; readonly message: string };
  /** Of the plan in PLANNING_EVENTS. */
  readonly sequence: number;
  readonly timestamp: string;
}

/** The task id of a deliberation that a plan asked for: one for each plan and task. */
export function planTaskId(planId: string, taskId: string): string {
  // Both may hold a colon: the length says where the plan's id ends.
  return planId.includes(":") ? `${planId.length}:${planId}:${taskId}` : `${planId}:${taskId}`;
}

export interface CouncilDefaults {
  /** Who deliberates when neither task nor plan says so. Default 3 agents. */
  readonly size: number;
}

/** What each task of a plan asks for. A task's own word goes before the plan's. */
export function tasksOf(
  plan: ApprovedPlan,
  { size }: CouncilDefaults,
): { taskId: string; request: DeliberationRequest }[] {
  const { plan_id, story_id } = plan;
  return plan.tasks.map((task) => {
    const role = task.role ?? plan.role ?? "DEV";
    const merged = { ...defined(pick(plan)), ...defined(pick(task)) };
    const constraints = {
      ...plan.constraints,
      ...task.constraints,
      plan_id,
      ...(story_id === undefined ? {} : { story_id }),
    };
    const council = task.agents ?? plan.agents ?? defaultCouncil(role, size);
    const request = {
      ...merged,
      task_id: planTaskId(plan_id, task.task_id),
      task_description: task.task_description,
      role,
      agents: council,
      constraints,
    };
    return { taskId: task.task_id, request };
  });
}

function pick(from: ApprovedPlan | ApprovedPlan["tasks"][number]) {
  const { vllm_url, vllm_model, rounds, quorum, deadline, budget_tokens, tenant, rubric, stream } = from;
  return { vllm_url, vllm_model, rounds, quorum, deadline, budget_tokens, tenant, rubric, stream };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function defaultCouncil(role: string, size: number): z.infer<typeof councilAgent>[] {
  const name = role.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return Array.from({ length: size }, (_, at) => ({ id: `agent-${name}-${String(at + 1).padStart(3, "0")}` }));
}
