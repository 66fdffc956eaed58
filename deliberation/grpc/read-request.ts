/** What comes in over gRPC, checked: every field that is off is named at once. */

import type { DeliberationQuery } from "../deliberation-directory.ts";
import { type DeliberationRequest, deliberationRequest } from "../deliberation-flow.ts";
import { DELIBERATION_STATUSES, type DeliberationStatus } from "../deliberation-views.ts";
import type {
  Agent,
  ExecuteDeliberationRequest,
  ListDeliberationsRequest,
  TaskConstraints,
} from "../generated/ray_executor/v1/ray_executor_pb.ts";
import { type FieldViolation, refuseFields } from "./status.ts";

const MAX_TASK_ID_LENGTH = 200;
const DEFAULT_PAGE = 50;
const MAX_PAGE = 1_000;
const MAX_TIMEOUT_SECONDS = 24 * 60 * 60;
const MAX_RETRIES = 10;

/** @throws ValidationError (details: violations) */
export function readExecute(message: ExecuteDeliberationRequest): DeliberationRequest {
  const { taskId, vllmUrl, vllmModel, constraints, agents } = message;
  const request = {
    task_id: taskId,
    task_description: message.taskDescription,
    role: message.role,
    agents: agents.map(readAgent),
    ...(vllmUrl === "" ? {} : { vllm_url: vllmUrl }),
    ...(vllmModel === "" ? {} : { vllm_model: vllmModel }),
    ...(constraints === undefined ? {} : readConstraints(constraints)),
  };
  const violations: FieldViolation[] = [
    ...numbersOff(constraints),
    ...blank({ task_id: taskId, task_description: message.taskDescription, role: message.role }),
    ...duplicates(agents),
  ];
  if (taskId.length > MAX_TASK_ID_LENGTH) {
    violations.push({ field: "task_id", description: `has more than ${MAX_TASK_ID_LENGTH} characters` });
  }
  if (agents.length === 0) violations.push({ field: "agents", description: "at least one is wanted" });
  for (const [field, url] of [
    ["vllm_url", vllmUrl] as const,
    ...agents.map(({ url }, at) => [`agents.${at}.url`, url] as const),
  ]) {
    if (url !== "" && !isHttp(url)) violations.push({ field, description: "is no http or https address" });
  }
  const quorum = constraints?.quorum ?? 0;
  if (quorum > agents.length) {
    violations.push({ field: "constraints.quorum", description: `${quorum} answers of ${agents.length} agents` });
  }
  const parsed = deliberationRequest.safeParse(request);
  for (const issue of parsed.error?.issues ?? []) {
    const field = fieldOf(issue.path.join("."));
    if (!violations.some((one) => one.field === field)) violations.push({ field, description: issue.message });
  }
  refuseFields(violations);
  return request;
}

function readAgent({ id, role, model, promptTemplate, profile, url, temperature, maxTokens }: Agent) {
  return {
    id,
    ...present({ role, model, prompt_template: promptTemplate, profile, url }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === 0 ? {} : { max_tokens: maxTokens }),
  };
}

function readConstraints(given: TaskConstraints): Partial<DeliberationRequest> {
  const { storyId, planId, timeoutSeconds, maxRetries, rubric, requirements, rounds, quorum, maxTokens, tenant } =
    given;
  return {
    constraints: {
      ...present({ story_id: storyId, plan_id: planId }),
      ...(timeoutSeconds === 0 ? {} : { timeout_seconds: timeoutSeconds }),
      ...(maxRetries === 0 ? {} : { max_retries: maxRetries }),
      ...(requirements.length === 0 ? {} : { requirements }),
    },
    ...(rubric.length === 0
      ? {}
      : {
          rubric: rubric.map(({ name, weight, kind, options }) => ({
            ...options,
            name,
            ...(weight === 0 ? {} : { weight }),
            ...(kind === "" ? {} : { kind: kind as "model" }),
          })),
        }),
    ...(rounds === 0 ? {} : { rounds }),
    ...(quorum === 0 ? {} : { quorum }),
    ...(maxTokens === 0n ? {} : { budget_tokens: Number(maxTokens) }),
    ...(tenant === "" ? {} : { tenant }),
  };
}

/** @throws ValidationError (details: violations) */
export function readId(deliberationId: string): string {
  refuseFields(blank({ deliberation_id: deliberationId }));
  return deliberationId;
}

/** @throws ValidationError (details: violations) */
export function readList({ pageSize, pageToken, status, role }: ListDeliberationsRequest): DeliberationQuery {
  const violations: FieldViolation[] = [];
  if (pageSize < 0 || pageSize > MAX_PAGE) {
    violations.push({ field: "page_size", description: `is from 1 to ${MAX_PAGE}` });
  }
  if (pageToken !== "" && !/^[lh]\d{1,16}$/.test(pageToken)) {
    violations.push({ field: "page_token", description: "is none that a page gave" });
  }
  if (status !== "" && !isStatus(status)) {
    violations.push({ field: "status", description: `is one of ${DELIBERATION_STATUSES.join(", ")}` });
  }
  refuseFields(violations);
  return {
    limit: pageSize === 0 ? DEFAULT_PAGE : pageSize,
    status: isStatus(status) ? status : undefined,
    role: role === "" ? undefined : role,
    cursor: pageToken === "" ? undefined : pageToken,
  };
}

function isStatus(text: string): text is DeliberationStatus {
  return DELIBERATION_STATUSES.some((one) => one === text);
}

function blank(fields: Readonly<Record<string, string>>): FieldViolation[] {
  return Object.entries(fields)
    .filter(([, text]) => text.trim() === "")
    .map(([field]) => ({ field, description: "is wanted" }));
}

function duplicates(agents: readonly Agent[]): FieldViolation[] {
  return agents.flatMap(({ id }, at) => {
    if (id === "") return [{ field: `agents.${at}.id`, description: "is wanted" }];
    return agents.findIndex((one) => one.id === id) === at
      ? []
      : [{ field: `agents.${at}.id`, description: `${JSON.stringify(id)} is there twice` }];
  });
}

function numbersOff(constraints: TaskConstraints | undefined): FieldViolation[] {
  if (constraints === undefined) return [];
  const { timeoutSeconds, maxRetries, rounds, quorum, maxTokens } = constraints;
  const limits: readonly [string, number, number][] = [
    ["timeout_seconds", timeoutSeconds, MAX_TIMEOUT_SECONDS],
    ["max_retries", maxRetries, MAX_RETRIES],
    ["rounds", rounds, 10],
    ["quorum", quorum, 64],
    ["max_tokens", Number(maxTokens), Number.MAX_SAFE_INTEGER],
  ];
  return limits
    .filter(([, value, most]) => value < 0 || value > most)
    .map(([name, value, most]) => ({ field: `constraints.${name}`, description: `${value} is not from 0 to ${most}` }));
}

/** The name in the proto of what is called otherwise inside. */
function fieldOf(path: string): string {
  if (path === "budget_tokens") return "constraints.max_tokens";
  return /^(rubric|rounds|quorum|tenant)\b/.test(path) ? `constraints.${path}` : path;
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function present(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ""));
}
