/** W1: a chain of 10 trivial steps. */
import type { Bench } from "../bench.ts";
import { chain } from "../flows.ts";
import type { Durability } from "../processes.ts";

const IN_FLIGHT = [256, 64, 1];

export async function w1Chain(bench: Bench, durability: Durability): Promise<void> {
  const flow = chain(10);
  for (const inFlight of IN_FLIGHT) {
    const of = { workload: "W1", name: `${inFlight} in flight`, durability };
    await bench.measureFlow(of, flow, bench.throughput(inFlight), { bare: true });
  }
  await bench.measureFlow({ workload: "W1", name: "alone", durability }, flow, bench.latency());
}
