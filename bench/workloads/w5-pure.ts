/** W5: a branch whose condition comes from 20 pure nodes in six levels. */
import type { Bench } from "../bench.ts";
import { pureTree } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w5Pure(bench: Bench, durability: Durability): Promise<void> {
  const flow = pureTree();
  await bench.measureFlow({ workload: "W5", name: "alone", durability }, flow, bench.latency());
  await bench.measureFlow({ workload: "W5", name: "64 in flight", durability }, flow, bench.throughput(64));
}
