/** Criteria that need no model: the same answers always get the same scores. */
import { runInNewContext } from "node:vm";
import { RayflowError, z } from "../../actors/sdk.ts";
import { checkOutput } from "./_json-output.ts";

const common = { name: z.string().min(1).max(128), weight: z.number().positive().default(1) };
const terms = z.array(z.string().min(1)).min(1).max(256);

export const criterion = z.discriminatedUnion("kind", [
  /** The share of terms that the answer has, in any case. */
  z.object({ ...common, kind: z.literal("includes"), terms }),
  /** The share of terms that it does not have. */
  z.object({ ...common, kind: z.literal("excludes"), terms }),
  z.object({ ...common, kind: z.literal("matches"), pattern: z.string().min(1).max(500) }),
  /** In letters. Outside of the bounds it falls off. */
  z.object({
    ...common,
    kind: z.literal("length"),
    min: z.number().min(0).default(0),
    max: z.number().positive().optional(),
  }),
  /** Whether it is JSON, of this shape if there is one. */
  z.object({ ...common, kind: z.literal("json"), schema: z.record(z.string(), z.unknown()).default({}) }),
  /** How much of the others' words it shares, on average. */
  z.object({ ...common, kind: z.literal("agreement") }),
  /** The share of the task's and the constraints' words that it takes up. */
  z.object({ ...common, kind: z.literal("coverage") }),
  /** A model scores it. */
  z.object({ ...common, kind: z.literal("model"), description: z.string().optional() }),
]);
export type Criterion = z.infer<typeof criterion>;
export type PlainCriterion = Exclude<Criterion, { kind: "model" }>;

export const DEFAULT_RUBRIC: readonly Criterion[] = [
  { name: "coverage", kind: "coverage", weight: 2 },
  { name: "agreement", kind: "agreement", weight: 1 },
  { name: "substance", kind: "length", min: 80, max: 12_000, weight: 1 },
];

/** A criterion without a kind is for a model. @throws ValidationError when one does not fit, or two have one name */
export function readRubric(given: readonly Readonly<Record<string, unknown>>[]): readonly Criterion[] {
  if (given.length === 0) return DEFAULT_RUBRIC;
  const rubric = given.map((one, at) => {
    const parsed = criterion.safeParse({ kind: "model", ...one });
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new RayflowError("ValidationError", `rubric[${at}].${issue?.path.join(".")}: ${issue?.message}`);
  });
  const names = rubric.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new RayflowError("ValidationError", `two criteria of the rubric are called ${twice}`);
  return rubric;
}

export interface Scored {
  readonly text: string;
  readonly others: readonly string[];
  /** The task and its constraints. */
  readonly task: string;
}

/** From 0 to 1. @throws ValidationError when a pattern or schema is none */
export async function scoreBy(rule: PlainCriterion, { text, others, task }: Scored): Promise<number> {
  switch (rule.kind) {
    case "includes":
      return shareOf(rule.terms, text);
    case "excludes":
      return 1 - shareOf(rule.terms, text);
    case "matches":
      return matches(rule.pattern, text) ? 1 : 0;
    case "length":
      if (text.length < rule.min) return text.length / rule.min;
      return rule.max !== undefined && text.length > rule.max ? rule.max / text.length : 1;
    case "json":
      return (await checkOutput(text, rule.schema)).ok ? 1 : 0;
    case "agreement": {
      if (others.length === 0) return 1;
      const mine = wordsOf(text);
      return others.reduce((sum, other) => sum + overlap(mine, wordsOf(other)), 0) / others.length;
    }
    case "coverage": {
      const wanted = wordsOf(task);
      if (wanted.size === 0) return 1;
      const had = wordsOf(text);
      return [...wanted].filter((word) => had.has(word)).length / wanted.size;
    }
  }
}

function shareOf(wanted: readonly string[], text: string): number {
  const lower = text.toLowerCase();
  return wanted.filter((term) => lower.includes(term.toLowerCase())).length / wanted.length;
}

/** Patterns come with the task: one that would run for ever ends, and counts as no match. */
function matches(pattern: string, text: string): boolean {
  try {
    return runInNewContext("new RegExp(pattern, 'iu').test(text)", { pattern, text }, { timeout: 200 }) === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw new RayflowError("ValidationError", `the rubric's pattern is none: ${pattern}`, { cause: error });
  }
}

/** Words of four letters and more, in lower case. */
function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu) ?? []);
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const both = [...a].filter((word) => b.has(word)).length;
  const all = a.size + b.size - both;
  return all === 0 ? 1 : both / all;
}
