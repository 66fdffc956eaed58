/** `npm run test:rolling`: reads the arguments, restarts everything, prints what came of it. */
import { parseArgs } from "node:util";
import { rollEverything } from "./rolling-restart.ts";

const USAGE = `npm run test:rolling -- [options]
  --rounds <n>   how often every process is restarted (default 2)
  --cluster      three nats-servers, which are restarted too
  --rate <n>     runs a second over HTTP, and as many over NATS (default 15)
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "2" },
      cluster: { type: "boolean", default: false },
      rate: { type: "string", default: "15" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = await rollEverything({
    rounds: Number(values.rounds),
    shape: values.cluster ? "cluster" : "single",
    perSecond: Number(values.rate),
    maxInFlight: 100,
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return report.findings.length === 0 ? 0 : 1;
}
