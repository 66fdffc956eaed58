/** What goes out over gRPC, from what the directory knows. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { DeliberationTotals } from "../deliberation-directory.ts";
import {
  agentAt,
  type DeliberationJob,
  type DeliberationOutcome,
  type DeliberationSummary,
} from "../deliberation-views.ts";
import type {
  CouncilSchema,
  DeliberationResultSchema,
  DeliberationSummarySchema,
  GetDeliberationStatusResponseSchema,
  JobInfoSchema,
  RayExecutorStatsSchema,
  WatchDeliberationResponseSchema,
} from "../generated/ray_executor/v1/ray_executor_pb.ts";
import type { JudgedAnswer } from "../messages.ts";
import type { Council } from "../statistics.ts";
import type { DeliberationNews } from "../watch-deliberation.ts";

export function outcomeMessage(
  outcome: DeliberationOutcome,
): MessageInitShape<typeof GetDeliberationStatusResponseSchema> {
  const { deliberationId, taskId, status, result, error = "", submittedMs, endedMs } = outcome;
  return {
    deliberationId,
    taskId,
    status,
    errorMessage: error,
    ...(result === undefined
      ? {}
      : { result: answerMessage(result.winner), answers: result.results.map(answerMessage) }),
    ...time("submittedAt", submittedMs),
    ...time("endedAt", endedMs),
  };
}

function answerMessage(answer: JudgedAnswer): MessageInitShape<typeof DeliberationResultSchema> {
  const { agent_id, proposal, reasoning, score, role, model, round, rank, endpoint, usage, stand_in } = answer;
  const metadata: Record<string, string> = {
    role,
    model,
    round: String(round),
    rank: String(rank),
    endpoint,
    prompt_tokens: String(usage.prompt_tokens),
    completion_tokens: String(usage.completion_tokens),
    duration_ms: String(Math.round(answer.duration_ms)),
    ...Object.fromEntries(Object.entries(answer.criteria).map(([name, value]) => [`criteria.${name}`, String(value)])),
    ...(stand_in ? { stand_in: "true" } : {}),
  };
  return { agentId: agent_id, proposal, reasoning, score, metadata };
}

export function statsMessage(totals: DeliberationTotals): MessageInitShape<typeof RayExecutorStatsSchema> {
  return {
    totalDeliberations: BigInt(totals.total),
    activeDeliberations: BigInt(totals.active),
    completedDeliberations: BigInt(totals.completed),
    failedDeliberations: BigInt(totals.failed),
    cancelledDeliberations: BigInt(totals.cancelled),
    averageExecutionTimeMs: totals.averageMs,
  };
}

export function summaryMessage(summary: DeliberationSummary): MessageInitShape<typeof DeliberationSummarySchema> {
  const { deliberationId, taskId, role, status, agentIds, submittedMs, endedMs, error = "" } = summary;
  const { planId = "", storyId = "" } = summary;
  return {
    deliberationId,
    taskId,
    role,
    status,
    agentIds: [...agentIds],
    errorMessage: error,
    planId,
    storyId,
    ...time("submittedAt", submittedMs),
    ...time("endedAt", endedMs),
  };
}

export function jobMessage(job: DeliberationJob, nowMs: number): MessageInitShape<typeof JobInfoSchema> {
  const { jobId, node, state, deliberationId, role, taskId, agentId = "", attempt, startedMs } = job;
  return {
    jobId,
    name: node,
    status: state,
    submissionId: deliberationId,
    role,
    taskId,
    agentId,
    attempt,
    ...time("startTime", startedMs),
    ...(startedMs === undefined ? {} : { runtime: runtimeOf(nowMs - startedMs) }),
  };
}

export function councilMessage(council: Council): MessageInitShape<typeof CouncilSchema> {
  return {
    role: council.role,
    totalDeliberations: BigInt(council.deliberations),
    ...time("lastActiveAt", council.lastActiveMs),
    agents: council.agents.map(({ id, model, deliberations, lastActiveMs }) => ({
      id,
      model,
      deliberations: BigInt(deliberations),
      ...time("lastActiveAt", lastActiveMs),
    })),
  };
}

export function newsMessage(
  news: Exclude<DeliberationNews, { kind: "ended" }>,
  agentIds: readonly string[],
): MessageInitShape<typeof WatchDeliberationResponseSchema> {
  if (news.kind === "token") {
    const { agent_id, token = "", seq, round, attempt, timestamp } = news.token;
    const value = { agentId: agent_id, text: token, index: BigInt(seq), round, attempt };
    return { ...time("time", Date.parse(timestamp)), event: { case: "token", value } };
  }
  if (news.kind === "answer") {
    const { agent_id, round, status, role, timestamp } = news.answer;
    const base = { agentId: agent_id, round, status, role };
    if (news.answer.status === "failed") {
      const { code, message } = news.answer.error;
      const value = { ...base, errorMessage: `${code}: ${message}` };
      return { ...time("time", Date.parse(timestamp)), event: { case: "answer", value } };
    }
    const { proposal, model, usage } = news.answer.answer;
    const promptTokens = BigInt(usage.prompt_tokens);
    const completionTokens = BigInt(usage.completion_tokens);
    const value = { ...base, content: proposal, model, promptTokens, completionTokens };
    return { ...time("time", Date.parse(timestamp)), event: { case: "answer", value } };
  }
  const { step } = news;
  const seats = agentIds.map((id) => ({ id }));
  return {
    ...time("time", Date.parse(step.time)),
    event: {
      case: "state",
      value: {
        status: step.kind === "submitted" ? "submitted" : "running",
        sequence: BigInt(step.seq),
        summary: step.summary,
        nodes: step.nodes.map(({ node, scope, state, attempt, error }) => ({
          node,
          state,
          attempt,
          agentId: agentAt(scope, seats) ?? "",
          errorMessage: error === undefined ? "" : `${error.code}: ${error.message}`,
        })),
      },
    },
  };
}

function time<K extends string>(name: K, ms: number | undefined) {
  return (ms === undefined || !Number.isFinite(ms) ? {} : { [name]: timestampFromMs(Math.round(ms)) }) as {
    [P in K]?: ReturnType<typeof timestampFromMs>;
  };
}

function runtimeOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return [hours > 0 ? `${hours}h` : "", hours > 0 || minutes > 0 ? `${minutes}m` : "", `${seconds % 60}s`]
    .filter((part) => part !== "")
    .join(" ");
}
