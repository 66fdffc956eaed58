/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Durability } from "./processes.ts";

export interface BenchOptions {
  /** Only these workloads; empty: all. */
  readonly only: readonly string[];
  /** Only cases whose name holds this text; empty: all. */
  readonly case: string;
  readonly durabilities: readonly Durability[];
  /** How often each is measured, after a first time that does not count. */
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmupMs: number;
  /** Runs of one latency sample. */
  readonly latencyRuns: number;
  /** Less of everything, to see where one stands. */
  readonly quick: boolean;
  readonly smoke: boolean;
  /** Another checkout with a built dist/, measured in turns with this one. */
  readonly against: string | undefined;
  /** Where the JSON goes; undefined: to stdout. */
  readonly out: string | undefined;
  /** How many runs sleep. */
  readonly sleepers: number;
  /** How many runs are in flight when the orchestrator is killed. */
  readonly recoveryRuns: number;
  /** How long the log grows, seconds. */
  readonly ageSeconds: number;
}

export const usage = `npm run bench -- [options]

  --only W1,W3           only these: W1 to W7, cold, sleeping, recovery, growth, age, tracing
  --case "256 in"        only cases with this in their name
  --quick                fewer and shorter measurements
  --smoke                W1 against the ceiling in less than a minute, no more
  --durability default   only the server's default, or only: always
  --rounds 5             how often each is measured, after a first time that does not count
  --seconds 3            how long each throughput measurement takes
  --against FOLDER       another checkout with a built dist/, measured in turns with this one
  --out FILE             the JSON goes there instead of to stdout
  --sleepers 100000      runs that sleep
  --recovery-runs 10000  runs in flight when the orchestrator is killed
  --age-seconds 120      how long the log grows
`;

/** @throws Error with what is wrong */
export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: "" },
      case: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
      durability: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      against: { type: "string" },
      out: { type: "string" },
      sleepers: { type: "string" },
      "recovery-runs": { type: "string" },
      "age-seconds": { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const { quick, smoke } = values;
  const brief = quick || smoke;
  const { durability } = values;
  if (durability !== undefined && durability !== "default" && durability !== "always") {
    throw new Error(`--durability is default or always, not ${durability}`);
  }
  return {
    only: values.only.split(",").filter((name) => name !== ""),
    case: values.case,
    durabilities: durability !== undefined ? [durability] : brief ? ["default"] : ["default", "always"],
    rounds: count("--rounds", values.rounds, brief ? 3 : 5),
    measureMs: 1000 * count("--seconds", values.seconds, brief ? 2 : 3),
    warmupMs: brief ? 500 : 1_000,
    latencyRuns: brief ? 50 : 200,
    quick: brief,
    smoke,
    against: values.against,
    out: values.out,
    sleepers: count("--sleepers", values.sleepers, brief ? 5_000 : 100_000),
    recoveryRuns: count("--recovery-runs", values["recovery-runs"], brief ? 2_000 : 10_000),
    ageSeconds: count("--age-seconds", values["age-seconds"], brief ? 20 : 120),
  };
}

function count(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} wants a number above 0, not ${JSON.stringify(text)}`);
  return value;
}
