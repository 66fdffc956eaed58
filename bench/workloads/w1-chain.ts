/** W1: a chain of 10 trivial steps. */
import type { Bench } from "../bench.ts";
import { chain } from "../flows.ts";
import type { Durability } from "../processes.ts";

const IN_FLIGHT = [256, 64, 1];

export async function w1Chain(bench: Bench, durability: Durability): Promise<void> {
  const { options } = bench;
  const flow = chain(10);
  const workload = "W1";
  for (const inFlight of IN_FLIGHT) {
    const extent = {
      type: "throughput",
      inFlight,
      warmupMs: options.warmupMs,
      measureMs: options.measureMs,
    } as const;
    const bare = await bench.engine("rayflow, bare flow", { durability }, flow, extent, "bare");
    await bench.measureFlow({ workload, name: `${inFlight} in flight`, durability }, flow, extent, [bare]);
  }
  const extent = { type: "latency", warmupRuns: 20, runs: options.latencyRuns } as const;
  await bench.measureFlow({ workload, name: "alone", durability }, flow, extent);
}
