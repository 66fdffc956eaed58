/** Publishes an answer as it comes, on `vllm.streaming.<task_id>`. */
import type { NodeContext } from "../../actors/sdk.ts";
import type { Usage } from "./_chat-answer.ts";
import { subjectOf } from "./_subjects.ts";

export interface StreamedBy {
  readonly taskId: string;
  readonly agentId: string;
  /** From 1. */
  readonly round: number;
}

/** Of one request. */
export interface TokenStream {
  token(text: string): void;
  completed(usage: Usage, model: string): void;
  failed(error: { code: string; message: string }): void;
}

const silent: TokenStream = { token: () => {}, completed: () => {}, failed: () => {} };

/** `attempt`: which request of this answer, from 1. */
export function tokenStream(ctx: NodeContext, by: StreamedBy | undefined, attempt: number, model: string): TokenStream {
  if (by === undefined) return silent;
  const subject = subjectOf("vllm.streaming", by.taskId);
  let seq = 0;
  const publish = (event: string, more: Record<string, unknown>): void => {
    const message = {
      v: 1,
      event_type: `vllm.stream.${event}`,
      task_id: by.taskId,
      deliberation_id: ctx.runId,
      agent_id: by.agentId,
      round: by.round,
      // An engine's attempt begins anew too.
      attempt: (ctx.attempt - 1) * 100 + attempt,
      seq: seq++,
      ...more,
      timestamp: new Date().toISOString(),
    };
    // News for those who watch: who cannot publish them goes on without.
    ctx.publish(subject, message).catch((error: unknown) => ctx.log.debug("a token was not published", { error }));
  };
  publish("started", { model });
  return {
    token: (text) => publish("token", { token: text }),
    completed: (usage, answeredBy) => publish("completed", { usage, model: answeredBy }),
    failed: (error) => publish("failed", { error }),
  };
}
