/** W7: a chain of 10 steps that hand on 1, 64 and 512 KiB. */
import type { Bench } from "../bench.ts";
import { payloadChain } from "../flows.ts";
import type { Durability } from "../processes.ts";

export async function w7Payloads(bench: Bench, durability: Durability): Promise<void> {
  for (const kib of [1, 64, 512]) {
    const flow = payloadChain(10, kib * 1024);
    const alone = { workload: "W7", name: `${kib} KiB alone`, durability };
    await bench.measureFlow(alone, flow, bench.latency(1 / 4));
    const busy = { workload: "W7", name: `${kib} KiB, 16 in flight`, durability };
    await bench.measureFlow(busy, flow, bench.throughput(16));
  }
}
