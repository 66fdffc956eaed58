/** What is measured of each contestant in each round, and what the figures are called. */

/** @typedef {{workload: import("./workloads.mjs").Workload, inFlight: number, figures: Record<string, string>}} Part */

/**
 * In this order: the first, with most in flight, warms up what all of them need.
 * `figures`: which of a sample's figures are kept, and under what name.
 * @type {Part[]}
 */
export const parts = [
  { workload: "chain", inFlight: 256, figures: { "steps/s": "W1 256: steps/s" } },
  { workload: "chain", inFlight: 64, figures: { "steps/s": "W1 64: steps/s" } },
  {
    workload: "chain",
    inFlight: 1,
    figures: { "steps/s": "W1 1: steps/s", "p50 ms": "W1 p50 ms", "p99 ms": "W1 p99 ms" },
  },
  { workload: "fanOut", inFlight: 8, figures: { "steps/s": "W2 8: steps/s" } },
  { workload: "fanOut", inFlight: 1, figures: { "p50 ms": "W2 p50 ms" } },
  { workload: "single", inFlight: 1, figures: { "p50 ms": "W3 p50 ms", "p99 ms": "W3 p99 ms" } },
];

/**
 * One way of one contestant in one round.
 * @param {import("./contestants.mjs").Running} running
 * @param {string} way
 * @param {import("./options.mjs").Pace} pace
 * @returns {Promise<import("../contest.ts").Sample>}
 */
export async function measureAll(running, way, pace) {
  /** @type {Record<string, number>} */
  const sample = {};
  for (const [i, { workload, inFlight, figures }] of parts.entries()) {
    const found = await running.measure(way, workload, {
      type: "throughput",
      inFlight,
      warmupMs: i === 0 ? pace.warmup : pace.ramp,
      measureMs: inFlight === 1 ? pace.latency : pace.throughput,
    });
    for (const [name, kept] of Object.entries(figures)) sample[kept] = found[name] ?? Number.NaN;
  }
  return sample;
}
