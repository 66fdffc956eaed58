/**
 * `npm run test:fuzz -- --inputs 100000 --seed 1`: the campaign, with figures as JSON. `--sabotage poison|crash|leak`
 * breaks something that it has to find. Gives the exit code.
 */
import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { sabotages } from "./sabotage.ts";

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      inputs: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      sabotage: { type: "string" },
    },
  });
  const sabotage = sabotages.find((one) => one === values.sabotage);
  if (values.sabotage !== undefined && sabotage === undefined) {
    process.stderr.write(`--sabotage is one of ${sabotages.join(", ")}\n`);
    return 2;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const report = await campaign({
    inputs: Number(values.inputs),
    seed: Number(values.seed),
    sabotage,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return report.findings.length === 0 ? 0 : 1;
}
