import { any, defineNode, int, list, RayflowError, str, z } from "../../actors/sdk.ts";
import { askModel } from "./_ask-model.ts";
import type { ChatMessage } from "./_chat-request.ts";
import { modelConfig } from "./_model-config.ts";

const message = z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() });

export default defineNode({
  type: "ai_chat",
  title: "Ask a model",
  category: "ai",
  description:
    "Asks a chat model (OpenAI's /v1/chat/completions, as vLLM has it): tries again and elsewhere when an endpoint fails, keeps to its limits.",
  inputs: {
    prompt: str().optional().describe("What the user says, after the messages."),
    system: str().optional(),
    messages: list(message).optional().describe("{role, content} each."),
    task_id: str().optional().describe("Where tokens are published when config stream is on. Default: the run's id."),
    url: str().optional().describe("In the place of config url."),
    model: str().optional().describe("In the place of config model."),
    tenant: str().default("default").describe("Whose limits count."),
  },
  outputs: {
    content: str(),
    json: any().describe("The answer by config json_schema; null without one."),
    reasoning: str(),
    finish_reason: str(),
    model: str(),
    endpoint: str(),
    prompt_tokens: int(),
    completion_tokens: int(),
    total_tokens: int(),
    attempts: int(),
  },
  config: modelConfig,
  async run({ inputs, config, ctx }) {
    const messages: ChatMessage[] = [
      ...(inputs.system ? [{ role: "system" as const, content: inputs.system }] : []),
      ...(inputs.messages ?? []),
      ...(inputs.prompt ? [{ role: "user" as const, content: inputs.prompt }] : []),
    ];
    if (messages.length === 0) throw new RayflowError("ValidationError", "neither a prompt nor messages are given");
    const { usage, content, json, reasoning, finishReason, model, endpoint, attempts } = await askModel(ctx, {
      messages,
      config: { ...config, url: inputs.url || config.url, model: inputs.model || config.model },
      tenant: inputs.tenant,
      streamedBy: config.stream ? { taskId: inputs.task_id || ctx.runId, agentId: ctx.nodeId, round: 1 } : undefined,
    });
    return { content, json, reasoning, finish_reason: finishReason, model, endpoint, attempts, ...usage };
  },
});
