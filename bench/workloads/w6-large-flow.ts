/** W6: a flow of 1,000 steps: ten lanes of a hundred. */
import type { Bench } from "../bench.ts";
import { lanes } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w6LargeFlow(bench: Bench, durability: Durability): Promise<void> {
  const flow = lanes(10, 100);
  await bench.measureFlow({ workload: "W6", name: "alone", durability }, flow, bench.latency(1 / 20));
  await bench.measureFlow({ workload: "W6", name: "8 in flight", durability }, flow, bench.throughput(8));
}
