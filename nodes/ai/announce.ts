import { defineNode, dict, float, int, list, RayflowError, str, z } from "../../actors/sdk.ts";
import { brief as briefSchema } from "./_council.ts";
import { verdict as verdictSchema } from "./_verdict.ts";

const failure = z.looseObject({ type: z.string(), message: z.string() });

export default defineNode({
  type: "ai_announce",
  title: "Announce",
  category: "ai",
  description:
    "Publishes how a deliberation ended, once: orchestration.deliberation.completed with the verdict, or …failed with the error, which it then fails with itself.",
  inputs: {
    brief: briefSchema,
    verdict: verdictSchema.optional(),
    error: failure.optional().describe("An error output: the deliberation has failed."),
  },
  outputs: {
    task_id: str(),
    role: str(),
    winner: dict(),
    results: list(dict()),
    scores: dict(float()),
    failures: list(dict()),
    rounds: int(),
    usage: dict(int()),
    duration_ms: float(),
    stand_in: z.boolean(),
  },
  async run({ inputs: { brief, verdict, error }, ctx }) {
    const { task_id, role, constraints } = brief;
    const origin = ["story_id", "plan_id"].flatMap((key) => {
      const value = constraints[key];
      return typeof value === "string" && value !== "" ? [[key, value]] : [];
    });
    const about = {
      v: 1,
      task_id,
      deliberation_id: ctx.runId,
      task_description: brief.task,
      role,
      constraints,
      ...Object.fromEntries(origin),
      tenant: brief.tenant,
      agents: brief.agents,
      timestamp: new Date().toISOString(),
    };
    const publish = (event_type: string, more: Record<string, unknown>) =>
      ctx.publish(event_type, { ...about, event_type, ...more }, { id: `${event_type}:${ctx.runId}` });
    // Counted from the clock of whoever opened the council.
    const duration_ms = Math.max(0, Date.now() - brief.started_at);
    const { observer } = ctx.resources.models;
    if (verdict === undefined) {
      const { type: code, message } = error ?? {
        type: "ValidationError",
        message: "neither verdict nor error is given",
      };
      await publish("orchestration.deliberation.failed", { error: { code, message } });
      observer.deliberationEnded("failed", duration_ms / 1_000);
      throw new RayflowError(code, message, { retryable: false, details: error?.details });
    }
    const { winner } = verdict;
    await publish("orchestration.deliberation.completed", {
      ...verdict,
      duration_ms,
      winner_agent_id: winner.agent_id,
      decisions: [
        {
          id: `decision:${ctx.runId}`,
          type: "deliberation",
          decision: winner.proposal,
          rationale: winner.reasoning || `scored ${winner.score} of 1, best of ${verdict.results.length}`,
          decided_by: winner.agent_id,
        },
      ],
    });
    observer.deliberationEnded("completed", duration_ms / 1_000);
    return { task_id, role, ...verdict, duration_ms };
  },
});
