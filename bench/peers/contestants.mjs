/** Who takes part. */
import { bullmq } from "./bullmq/peer.mjs";
import { dbos } from "./dbos/peer.mjs";
import { Missing } from "./host/debian.mjs";
import { rayflow } from "./rayflow/peer.mjs";
import { restate } from "./restate/peer.mjs";

/** @typedef {import("./workloads.mjs").Workload} Workload */
/** @typedef {import("../measurement.ts").Extent} Extent */
/** @typedef {import("../contest.ts").Sample} Sample */

/**
 * A system that is up.
 * @typedef {object} Running
 * @property {(way: string, workload: Workload, extent: Extent) => Promise<Sample>} measure
 * @property {() => Promise<void>} stop ends its processes and removes its files
 */

/**
 * A system as it is set up for a round.
 * @typedef {object} Contestant
 * @property {string} name
 * @property {import("./options.mjs").Durability} durability what an acknowledged step survives: `written`, the death of
 *   every process; `fsync`, the machine's as well
 * @property {Record<string, string>} ways the ways in which its users write the workloads: ids and what to call them
 * @property {() => Promise<Running>} start on empty folders
 */

/**
 * @typedef {object} System
 * @property {string} id as in --only
 * @property {string} name
 * @property {() => string} prepare gets its server if need be and answers with the versions; throws `Missing`
 * @property {Contestant[]} contestants
 * @property {Contestant[]} candidates the same with other settings, to find the best for a machine
 */

/** @type {System[]} */
const systems = [rayflow, restate, bullmq, dbos];

/**
 * The contestants that are asked for and can be had, in the order in which they take turns.
 * @param {import("./options.mjs").Options} options
 * @param {(line: string) => void} say
 */
export function gather({ only, durabilities, tune }, say) {
  const unknown = only.find((id) => id !== "none" && !systems.some((system) => system.id === id));
  if (unknown !== undefined)
    throw new Error(`no system ${unknown}; there are ${systems.map(({ id }) => id).join(", ")}`);
  /** @type {Record<string, string>} */
  const versions = {};
  /** @type {Record<string, string>} */
  const skipped = {};
  /** @type {Contestant[]} */
  const contestants = [];
  for (const system of systems) {
    if (only.length > 0 && system !== rayflow && !only.includes(system.id)) continue;
    try {
      versions[system.name] = system.prepare();
      const own = tune ? system.candidates : system.contestants;
      contestants.push(...own.filter(({ durability }) => durabilities.includes(durability)));
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      skipped[system.name] = error.message;
      say(`\n*** ${system.name} IS SKIPPED: ${error.message} ***\n`);
    }
  }
  contestants.sort((a, b) => durabilities.indexOf(a.durability) - durabilities.indexOf(b.durability));
  return { contestants, versions, skipped };
}
