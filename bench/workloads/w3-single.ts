/** W3: one step: what a run costs around its steps. */
import type { Bench } from "../bench.ts";
import { chain } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w3Single(bench: Bench, durability: Durability): Promise<void> {
  const flow = chain(1);
  await bench.measureFlow({ workload: "W3", name: "alone", durability }, flow, bench.latency(2));
  await bench.measureFlow({ workload: "W3", name: "256 in flight", durability }, flow, bench.throughput(256));
}
