import { defineNode, dict, int, list, RayflowError, z } from "../../actors/sdk.ts";
import { answer, type CouncilState, councilState, seat } from "./_council.ts";

const failed = z.object({ error: z.object({ type: z.string(), message: z.string() }) });

export default defineNode({
  type: "ai_collect",
  title: "Collect answers",
  category: "ai",
  description:
    "Puts a round's answers to those of the rounds before: an agent's latest one counts. Fails when there are fewer than the quorum.",
  inputs: {
    results: list().describe("In the order of the seats: an answer, or {error}, as control_for_each collects them."),
    seats: list(seat),
    quorum: int().min(1).default(1),
    round_index: int().min(0).default(0),
    earlier: councilState.partial().optional().describe("What this gave in the round before."),
  },
  outputs: { state: dict(), answers: list(dict()), count: int() },
  run({ inputs: { results, seats, quorum, round_index, earlier }, ctx }) {
    const before = councilState.parse(earlier ?? {});
    const answers = new Map(before.answers.map((one) => [one.agent_id, one]));
    const state: CouncilState = { ...before, usage: { ...before.usage }, failures: [...before.failures] };
    for (const [at, { agent_id, role }] of seats.entries()) {
      const given = answer.safeParse(results[at]);
      // Whose answer it is follows from its place, whatever it says itself.
      if (given.success) {
        answers.set(agent_id, { ...given.data, agent_id });
        for (const key of ["prompt_tokens", "completion_tokens", "total_tokens"] as const) {
          state.usage[key] += given.data.usage[key];
        }
      } else {
        const error = failed.safeParse(results[at]).data?.error ?? { type: "ModelError", message: "it gave no answer" };
        const said = { code: error.type, message: error.message };
        state.failures.push({ agent_id, role, round: round_index + 1, error: said });
      }
    }
    state.answers = seats.flatMap(({ agent_id }) => answers.get(agent_id) ?? []);
    if (state.answers.length < quorum) {
      const why = state.failures.map(({ agent_id, error }) => `${agent_id}: ${error.code}`).join(", ");
      const message = `${state.answers.length} of ${seats.length} agents answered, ${quorum} are wanted (${why})`;
      throw new RayflowError("QuorumNotReached", message, { details: { failures: state.failures } });
    }
    if (state.failures.length > before.failures.length) {
      ctx.log.warn("agents failed, and the quorum is reached", { failures: state.failures });
    }
    return { state: { ...state }, answers: state.answers.map((one) => ({ ...one })), count: state.answers.length };
  },
});
