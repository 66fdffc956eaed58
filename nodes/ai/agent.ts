import { defineNode, dict, int, type NodeContext, RayflowError, str, toErrorInfo, z } from "../../actors/sdk.ts";
import { askModel } from "./_ask-model.ts";
import { brief as briefSchema, type CouncilAnswer, councilState, seat as seatSchema } from "./_council.ts";
import { modelConfig } from "./_model-config.ts";
import { agentPrompt } from "./_prompt.ts";
import { subjectOf } from "./_subjects.ts";

export default defineNode({
  type: "ai_agent",
  title: "Agent",
  category: "ai",
  description:
    "One agent answers a task in its role: alone with task, role, profile and constraints, or as a member of a council with agent and brief. Publishes its answer on agent.results.<task_id>, once.",
  inputs: {
    agent: seatSchema.partial().optional().describe("A seat of ai_council."),
    brief: briefSchema.partial().optional().describe("From ai_council; what the other inputs say goes before it."),
    round_index: int().min(0).default(0),
    peers: councilState.partial().optional().describe("The answers of the rounds before, from ai_collect."),
    task_id: str().optional().describe("Default: the run's id."),
    task: str().optional(),
    role: str().optional(),
    profile: str().optional(),
    constraints: dict().optional(),
  },
  outputs: { answer: dict(), proposal: str(), total_tokens: int() },
  config: modelConfig.extend({
    agent_id: z.string().optional().describe("Default: the node's id."),
    tenant: z.string().default("default").describe("Whose limits count outside of a council."),
  }),
  async run({ inputs, config, ctx }) {
    const { agent = {}, brief = {}, peers = {} } = inputs;
    const task = inputs.task || brief.task;
    if (!task) throw new RayflowError("ValidationError", "neither a task nor a brief with one is given");
    const round = inputs.round_index + 1;
    const who = {
      agent_id: agent.agent_id ?? config.agent_id ?? ctx.nodeId,
      role: inputs.role || agent.role || brief.role || "expert",
      task_id: inputs.task_id || brief.task_id || ctx.runId,
      round,
    };
    const began = Date.now();
    try {
      const got = await askModel(ctx, {
        messages: agentPrompt({
          role: who.role,
          profile: inputs.profile || agent.profile || "",
          task,
          constraints: inputs.constraints ?? brief.constraints ?? {},
          template: agent.prompt_template,
          round,
          rounds: brief.rounds ?? 1,
          own: peers.answers?.find(({ agent_id }) => agent_id === who.agent_id)?.proposal,
          peers: (peers.answers ?? [])
            .filter(({ agent_id }) => agent_id !== who.agent_id)
            .map(({ proposal }) => proposal),
        }),
        config: {
          ...config,
          url: agent.url || brief.url || config.url,
          model: agent.model || brief.model || config.model,
          temperature: agent.temperature ?? config.temperature,
          max_tokens: agent.max_tokens ?? config.max_tokens,
        },
        tenant: brief.tenant ?? config.tenant,
        deadlineAt: brief.deadline_at,
        budgetTokens: brief.budget_tokens,
        streamedBy: brief.stream || config.stream ? { taskId: who.task_id, agentId: who.agent_id, round } : undefined,
      });
      const { proposal, reasoning } = withoutThoughts(got.content, got.reasoning);
      if (proposal === "") throw new RayflowError("ModelError", "the model gave an empty answer", { retryable: true });
      const answer: CouncilAnswer = {
        agent_id: who.agent_id,
        role: who.role,
        proposal,
        reasoning,
        round,
        model: got.model,
        endpoint: got.endpoint,
        usage: got.usage,
        duration_ms: Date.now() - began,
        stand_in: got.standIn,
      };
      ctx.resources.models.observer.answer("completed");
      await publish(ctx, who, { status: "completed", answer }, `${ctx.idempotencyKey}:result`);
      return { answer: { ...answer }, proposal, total_tokens: got.usage.total_tokens };
    } catch (thrown) {
      // Who was told to stop has nothing to say; and another attempt may still succeed, so this is no last word.
      if (!ctx.signal.aborted) {
        ctx.resources.models.observer.answer("failed");
        const { code, message } = toErrorInfo(thrown);
        const id = `${ctx.idempotencyKey}:failed:${ctx.attempt}`;
        await publish(ctx, who, { status: "failed", error: { code, message } }, id).catch((error: unknown) =>
          ctx.log.warn("the failure was not published", { error: toErrorInfo(error) }),
        );
      }
      throw thrown;
    }
  },
});

async function publish(
  ctx: NodeContext,
  { task_id, ...who }: { task_id: string; agent_id: string; role: string; round: number },
  outcome: Record<string, unknown>,
  id: string,
): Promise<void> {
  const message = {
    v: 1,
    event_type: "agent.result",
    task_id,
    deliberation_id: ctx.runId,
    ...who,
    ...outcome,
    timestamp: new Date().toISOString(),
  };
  await ctx.publish(subjectOf("agent.results", task_id), message, { id });
}

/** Reasoning models put their thoughts before the answer, in tags, where the server does not take them out. */
function withoutThoughts(content: string, reasoning: string): { proposal: string; reasoning: string } {
  const thoughts = /^\s*<think>([\s\S]*?)<\/think>/.exec(content);
  if (thoughts === null) return { proposal: content.trim(), reasoning: reasoning.trim() };
  const proposal = content.slice(thoughts[0].length).trim();
  return { proposal, reasoning: [reasoning.trim(), thoughts[1]?.trim()].filter(Boolean).join("\n") };
}
