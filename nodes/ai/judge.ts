import { defineNode, dict, float, list, RayflowError, z } from "../../actors/sdk.ts";
import { brief as briefSchema, type CouncilAnswer, councilState } from "./_council.ts";
import { modelConfig } from "./_model-config.ts";
import { scoresByModel } from "./_model-judge.ts";
import { type Criterion, readRubric, scoreBy } from "./_rubric.ts";
import type { Judged, Verdict } from "./_verdict.ts";

export default defineNode({
  type: "ai_judge",
  title: "Judge",
  category: "ai",
  description:
    "Scores a council's answers by the rubric's weighted criteria. Of equal scores the one whose agent sits first in the council wins.",
  inputs: {
    state: councilState.describe("From ai_collect."),
    brief: briefSchema.partial().optional().describe("From ai_council."),
    rubric: list(dict()).optional().describe("Default: the brief's, else coverage, agreement and substance."),
  },
  outputs: { winner: dict(), results: list(dict()), scores: dict(float()), verdict: dict() },
  config: modelConfig.extend({
    on_model_error: z
      .enum(["fail", "ignore"])
      .default("fail")
      .describe("ignore: when no model can be asked, the other criteria decide."),
  }),
  async run({ inputs: { state, brief = {}, rubric: given }, config, ctx }) {
    const { answers } = state;
    if (answers.length === 0) throw new RayflowError("ValidationError", "there is no answer to judge");
    const rubric = readRubric(given ?? brief.rubric ?? []);
    const task = [brief.task ?? "", ...Object.values(brief.constraints ?? {}).map(asText)].join("\n");
    const usage = { ...state.usage };
    const byModel = rubric.filter((rule) => rule.kind === "model");
    let counted = rubric;
    let modelScores: ReadonlyMap<string, Readonly<Record<string, number>>> = new Map();
    if (byModel.length > 0) {
      try {
        const got = await scoresByModel(ctx, answers, byModel, {
          task,
          config: { ...config, url: brief.url || config.url, model: brief.model || config.model },
          tenant: brief.tenant ?? "default",
          budgetTokens: brief.budget_tokens,
        });
        modelScores = got.scores;
        for (const key of ["prompt_tokens", "completion_tokens", "total_tokens"] as const) usage[key] += got.usage[key];
      } catch (error) {
        counted = rubric.filter((rule) => rule.kind !== "model");
        if (config.on_model_error === "fail" || counted.length === 0 || ctx.signal.aborted) throw error;
        ctx.log.warn("no model could judge: the other criteria decide", { reason: String(error) });
      }
    }
    const scored = await Promise.all(
      answers.map(async (one, at) => {
        const others = answers.filter((_, other) => other !== at).map(({ proposal }) => proposal);
        const criteria = await criteriaOf(one, { others, task }, counted, modelScores.get(one.agent_id) ?? {});
        return { ...one, criteria, score: weighted(counted, criteria) };
      }),
    );
    // A stable sort: equal scores stay in the order of the seats.
    const results: Judged[] = scored.sort((a, b) => b.score - a.score).map((one, at) => ({ ...one, rank: at + 1 }));
    const [winner] = results;
    if (winner === undefined) throw new RayflowError("ValidationError", "there is no answer to judge");
    const scores = Object.fromEntries(results.map(({ agent_id, score }) => [agent_id, score]));
    const verdict: Verdict = {
      winner,
      results,
      scores,
      failures: state.failures,
      rounds: brief.rounds ?? Math.max(...answers.map(({ round }) => round)),
      usage,
      stand_in: answers.some(({ stand_in }) => stand_in),
    };
    return { winner: { ...winner }, results: results.map((one) => ({ ...one })), scores, verdict: { ...verdict } };
  },
});

async function criteriaOf(
  { proposal }: CouncilAnswer,
  about: { readonly others: readonly string[]; readonly task: string },
  rubric: readonly Criterion[],
  byModel: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const scores: Record<string, number> = {};
  for (const rule of rubric) {
    const score = rule.kind === "model" ? (byModel[rule.name] ?? 0) : await scoreBy(rule, { text: proposal, ...about });
    scores[rule.name] = rounded(score);
  }
  return scores;
}

function weighted(rubric: readonly Criterion[], scores: Readonly<Record<string, number>>): number {
  const weights = rubric.reduce((sum, { weight }) => sum + weight, 0);
  return rounded(rubric.reduce((sum, { name, weight }) => sum + weight * (scores[name] ?? 0), 0) / weights);
}

/** So that what is equal on paper is equal here. */
function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
