/** `npm run test:chaos`: reads the arguments, runs the campaign, prints what came of it. */
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import { tableOf } from "./report.ts";
import { type Sabotage, sabotages } from "./sabotage.ts";

const USAGE = `npm run test:chaos -- [options]
  --minutes <m>      how long faults happen (default 2)
  --seed <n>         repeats the choices of an earlier campaign (default: random; it is printed)
  --cluster          three nats-servers as a JetStream cluster, the log's leader is killed
  --sabotage <what>  ${sabotages.join(" | ")}: switches a guarantee off; the campaign must find it
  --in-flight <n>    runs under way at most (default 250)
  --rate <n>         submissions a second at most (default 40)
  --interval <ms>    mean time between two faults (default 1500)
  --json             the report alone, as JSON
  --keep             keeps the logs of all processes
`;

/** @throws TypeError for an unknown option */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string" },
      cluster: { type: "boolean", default: false },
      sabotage: { type: "string" },
      "in-flight": { type: "string", default: "250" },
      rate: { type: "string", default: "40" },
      interval: { type: "string", default: "1500" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const sabotage = sabotages.find((one) => one === values.sabotage);
  if (values.sabotage !== undefined && sabotage === undefined) {
    process.stderr.write(`--sabotage is one of ${sabotages.join(", ")}\n`);
    return 2;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : positive("seed", values.seed);
  process.stderr.write(`seed ${seed}\n`);
  const report = await runCampaign({
    seed,
    durationMs: positive("minutes", values.minutes) * 60_000,
    shape: values.cluster ? "cluster" : "single",
    maxInFlight: positive("in-flight", values["in-flight"]),
    maxPerSecond: positive("rate", values.rate),
    meanIntervalMs: positive("interval", values.interval),
    keepFiles: values.keep,
    onProgress: (line) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${line}`),
    ...(sabotage === undefined ? {} : { sabotage: sabotage satisfies Sabotage }),
  });
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : `${tableOf(report)}\n`);
  return report.passed ? 0 : 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`--${name} is a number above 0, not ${JSON.stringify(text)}`);
  return value;
}
