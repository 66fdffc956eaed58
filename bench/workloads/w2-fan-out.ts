/** W2: 100 steps at once, and a join that gives all their values. */
import type { Bench } from "../bench.ts";
import { fanOut } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w2FanOut(bench: Bench, durability: Durability): Promise<void> {
  const flow = fanOut(100);
  await bench.measureFlow({ workload: "W2", name: "alone", durability }, flow, bench.latency());
  await bench.measureFlow({ workload: "W2", name: "8 in flight", durability }, flow, bench.throughput(8));
}
