/** Whether the engine keeps its distance from the ceiling. Pure: only ratios, never a time. */
import type { Sample } from "./contest.ts";

export interface SmokeCheck {
  readonly name: string;
  /** The figure of a sample that is compared. */
  readonly figure: string;
  /** How many times the ceiling's figure the engine's may be at worst. */
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
}

/** One round: the engine and the ceiling, one right after the other. */
export interface SmokePair {
  readonly engine: Sample;
  readonly ceiling: Sample;
}

export interface SmokeVerdict {
  readonly name: string;
  readonly passed: boolean;
  /** Engine / ceiling, of the round that is best for the engine. */
  readonly best: number;
  readonly ratios: readonly number[];
  readonly limit: string;
}

/**
 * The best round counts: other work on the machine can make any round look worse, but none can make a slow engine look
 * fast, for the ceiling ran beside it.
 */
export function verdictOf({ name, figure, limit }: SmokeCheck, pairs: readonly SmokePair[]): SmokeVerdict {
  const ratios = pairs
    .map(({ engine, ceiling }) => (engine[figure] ?? Number.NaN) / (ceiling[figure] ?? Number.NaN))
    .filter((ratio) => Number.isFinite(ratio) && ratio > 0);
  const isMore = "atLeast" in limit;
  const best = ratios.length === 0 ? Number.NaN : isMore ? Math.max(...ratios) : Math.min(...ratios);
  return {
    name: `${name}: ${figure}`,
    passed: isMore ? best >= limit.atLeast : best <= limit.atMost,
    best,
    ratios,
    limit: isMore ? `>= ${limit.atLeast}` : `<= ${limit.atMost}`,
  };
}
