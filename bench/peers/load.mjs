/** Puts load on a peer, as bench/load does on RayFlow: the same measurement, a run counts when its right result is here. */
import { Measurement } from "../measurement.ts";
import { quantile } from "../statistics.ts";
import { workloads } from "./workloads.mjs";

/** No completion for so long, and the measurement has failed, ms. */
const stallMs = 60_000;

/**
 * Measures runs that `start` starts; it resolves with a run's result.
 * @param {(workload: import("./workloads.mjs").Workload) => Promise<unknown>} start
 * @param {import("./workloads.mjs").Workload} workload
 * @param {import("../measurement.ts").Extent} extent
 * @returns {Promise<import("../contest.ts").Sample>}
 * @throws Error when a run ends with another result than it must, or none ends for a minute
 */
export async function measureRuns(start, workload, extent) {
  const { steps, result } = workloads[workload];
  const measurement = new Measurement({ extent, readCpu: () => ({}), now: () => performance.now() });
  let lastEnd = performance.now();
  let stopped = false;
  const slot = async () => {
    for (let goOn = true; goOn && !stopped; ) {
      const begun = performance.now();
      const found = await start(workload);
      lastEnd = performance.now();
      if (found !== result) throw new Error(`a ${workload} run ended with ${JSON.stringify(found)}, not ${result}`);
      goOn = measurement.ended(lastEnd - begun) === "again";
    }
  };
  /** @type {NodeJS.Timeout | undefined} */
  let watch;
  const stalled = new Promise((_, reject) => {
    watch = setInterval(() => {
      if (performance.now() - lastEnd > stallMs) reject(new Error(`no ${workload} run has ended for a minute`));
    }, 1_000);
  });
  try {
    await Promise.race([Promise.all(Array.from({ length: measurement.width }, slot)), stalled]);
  } finally {
    stopped = true;
    clearInterval(watch);
  }
  const { report } = measurement;
  if (report === undefined) throw new Error(`the ${workload} measurement did not come to its end`);
  return {
    "steps/s": (report.runs * steps) / report.seconds,
    "p50 ms": quantile(report.latenciesMs, 0.5),
    "p99 ms": quantile(report.latenciesMs, 0.99),
  };
}
