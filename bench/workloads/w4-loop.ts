/** W4: a loop of 1,000 iterations with one step each, one after the other. */
import type { Bench } from "../bench.ts";
import { loop } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w4Loop(bench: Bench, durability: Durability): Promise<void> {
  const flow = loop(1_000);
  await bench.measureFlow({ workload: "W4", name: "alone", durability }, flow, bench.latency(1 / 50));
  await bench.measureFlow({ workload: "W4", name: "16 in flight", durability }, flow, bench.throughput(16));
}
