/** The command line of `npm run bench:peers`. */
import { parseArgs } from "node:util";

/** @typedef {"written" | "fsync"} Durability */

/**
 * How long each measurement takes, ms; `warmup` is before the first one of each contestant in each round.
 * @typedef {object} Pace
 * @property {number} warmup
 * @property {number} ramp before each of the others
 * @property {number} throughput
 * @property {number} latency
 */

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {Pace} pace
 * @property {string[]} only names of systems; empty: all
 * @property {Durability[]} durabilities
 * @property {boolean} tune
 * @property {string | undefined} out where the JSON goes
 * @property {string | undefined} markdown where the tables go, besides stdout
 */

export const usage = `npm run bench:peers -- [options]

  --full                3 rounds, about 10 minutes (the default)
  --quick               1 short round, about 2 minutes: shows that all of it works, no figures to quote
  --rounds 3
  --only restate,dbos   these beside RayFlow, instead of all: restate, bullmq, dbos, none
  --durability fsync    only this class, or only: written
  --tune                not against RayFlow: each peer with several settings, to find its best ones here; about 12 minutes
  --out FILE            everything as JSON
  --markdown FILE       the tables, which go to stdout too
`;

/** @type {Pace} */
const fullPace = { warmup: 2_000, ramp: 300, throughput: 2_000, latency: 1_000 };
/** @type {Pace} */
const quickPace = { warmup: 500, ramp: 200, throughput: 800, latency: 500 };

/** @param {string[]} args @returns {Options | "help"} @throws Error with what is wrong */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      full: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string", default: "" },
      durability: { type: "string" },
      tune: { type: "boolean", default: false },
      out: { type: "string" },
      markdown: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { full, quick, tune, durability, out, markdown } = values;
  if (values.help) return "help";
  if (full && quick) throw new Error("--full or --quick, not both");
  if (durability !== undefined && durability !== "written" && durability !== "fsync")
    throw new Error(`--durability is written or fsync, not ${durability}`);
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  if (!(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds wants a number above 0, not ${values.rounds}`);
  return {
    rounds,
    pace: quick ? quickPace : fullPace,
    only: values.only.split(",").filter((name) => name !== ""),
    durabilities: durability === undefined ? ["written", "fsync"] : [durability],
    tune,
    out,
    markdown,
  };
}
