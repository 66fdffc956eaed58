/**
 * `npm run test:simulate -- --seeds N [--from S]`: runs the simulation over many seeds and fails on the first finding of any.
 * `npm run test:simulate -- --seed X --trace`: one seed, with all that happens.
 */
import { parseArgs } from "node:util";
import { campaign, describeFailure } from "../orchestrator/simulation/testing-campaign.ts";
import { simulate } from "../orchestrator/simulation/testing-simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function one(seed: number): Promise<number> {
  const report = await simulate(seed, { trace: values.trace });
  for (const line of report.trace) say(line);
  for (const violation of report.violations) say(`VIOLATION: ${violation}`);
  say(`seed ${seed}: ${report.runs} runs, ${report.messages} messages, ${report.steps} steps, hash ${report.hash}`);
  return report.violations.length;
}

async function many(from: number, seeds: number): Promise<number> {
  const began = performance.now();
  const total = await campaign({
    from,
    seeds,
    onReport: (report) => report.violations.length > 0 && say(describeFailure(report)),
  });
  const seconds = (performance.now() - began) / 1000;
  const faults = [...total.faults].map(([fault, count]) => `${fault} ${count}`).join(", ");
  say(`faults: ${faults}`);
  say(
    `simulated ${seeds} seeds from ${from} in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(0)}/s): ` +
      `${total.runs} runs, ${total.messages} messages, ${total.steps} steps; ${total.failed.length} seeds failed`,
  );
  return total.failed.length;
}

const failures =
  values.seed === undefined ? await many(Number(values.from), Number(values.seeds)) : await one(Number(values.seed));
process.exitCode = failures > 0 ? 1 : 0;
