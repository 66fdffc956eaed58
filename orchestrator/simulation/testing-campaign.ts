/** Many seeds in a row, and what to say of those that fail. */
import type { FaultProfile } from "./testing-faults.ts";
import { type SimulationReport, simulate } from "./testing-simulation.ts";

export interface CampaignOptions {
  readonly from: number;
  readonly seeds: number;
  /** Called after each seed. */
  readonly onReport?: (report: SimulationReport) => void;
}

export interface CampaignReport {
  readonly failed: readonly SimulationReport[];
  readonly seeds: number;
  readonly runs: number;
  readonly messages: number;
  readonly steps: number;
  readonly faults: ReadonlyMap<keyof FaultProfile, number>;
}

export async function campaign({ from, seeds, onReport }: CampaignOptions): Promise<CampaignReport> {
  const failed: SimulationReport[] = [];
  const faults = new Map<keyof FaultProfile, number>();
  let [runs, messages, steps] = [0, 0, 0];
  for (let seed = from; seed < from + seeds; seed++) {
    const report = await simulate(seed);
    if (report.violations.length > 0) failed.push(report);
    runs += report.runs;
    messages += report.messages;
    steps += report.steps;
    for (const [fault, count] of report.faults) faults.set(fault, (faults.get(fault) ?? 0) + count);
    onReport?.(report);
  }
  return { failed, seeds, runs, messages, steps, faults };
}

/** One line: what went wrong, and how to see it again. */
export function describeFailure({ seed, violations }: SimulationReport): string {
  const first = violations[0] ?? "nothing";
  return `seed ${seed}: ${first.slice(0, 400)}  (again: npm run test:simulate -- --seed ${seed} --trace)`;
}
