/** Measures several things in turns (A B A B), so that what slows the machine down for a while slows down all of them. */
import { pairedRatios, type Spread, spreadOf } from "./statistics.ts";

/** Figures by name, with the unit in the name: `steps/s`, `p50 ms`, `cpu nats µs`. */
export type Sample = Readonly<Record<string, number>>;

export interface Contestant {
  readonly name: string;
  readonly sample: () => Promise<Sample>;
}

export interface Standing {
  readonly contestant: string;
  readonly figures: Readonly<Record<string, Spread & { readonly samples: readonly number[] }>>;
  /** By other contestant: this one's figure divided by the other's, round by round. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
}

export interface ContestOptions {
  readonly rounds: number;
  /** Whether the first round is left out: it warms caches and compilers. */
  readonly warmup: boolean;
}

export async function contest(contestants: readonly Contestant[], options: ContestOptions): Promise<Standing[]> {
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]));
  if (options.warmup) for (const { sample } of contestants) await sample();
  for (let round = 0; round < options.rounds; round++) {
    // Every second round the other way round: what comes first has no advantage.
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const { name, sample } of order) samples.get(name)?.push(await sample());
  }
  return contestants.map(({ name }) => standing(name, samples));
}

/** What one contestant's samples come to, beside those of the others. */
export function standing(name: string, samples: ReadonlyMap<string, readonly Sample[]>): Standing {
  const own = samples.get(name) ?? [];
  const names = Object.keys(own[0] ?? {});
  const column = (of: readonly Sample[], figure: string): number[] => of.map((sample) => sample[figure] ?? Number.NaN);
  const figures = names.map((figure) => {
    const values = column(own, figure);
    return [figure, { ...spreadOf(values), samples: values }] as const;
  });
  const ratios = [...samples].flatMap(([other, theirs]) => {
    const shared = names.filter((figure) => theirs[0]?.[figure] !== undefined);
    if (other === name || shared.length === 0) return [];
    const entries = shared.map((figure) => [
      figure,
      spreadOf(pairedRatios(column(own, figure), column(theirs, figure))),
    ]);
    return [[other, Object.fromEntries(entries) as Record<string, Spread>] as const];
  });
  return { contestant: name, figures: Object.fromEntries(figures), ratios: Object.fromEntries(ratios) };
}
