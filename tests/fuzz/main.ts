/** `npm run test:fuzz -- --inputs 100000 --seed 1`: the campaign, with figures as JSON. Gives the exit code. */
import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { inputs: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const report = await campaign({
    inputs: Number(values.inputs),
    seed: Number(values.seed),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return report.findings.length === 0 ? 0 : 1;
}
