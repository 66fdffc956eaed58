/** What traces cost: a chain of 10 steps with tracing off, with 1 % of the runs sampled, and with all of them. */
import type { Bench } from "../bench.ts";
import { chain } from "../flows.ts";
import { ask, type Durability, forkScript, type StackOptions } from "../processes.ts";

const OFF = "off";

interface Received {
  readonly type: "received";
  readonly requests: number;
  readonly bytes: number;
}

/** Orchestrator and actor of each have a server of their own; the receiver takes what comes and looks at none of it. */
export async function tracing(bench: Bench, durability: Durability): Promise<void> {
  await bench.close();
  const receiver = await forkScript("otlp-sink.ts", []);
  try {
    const { url } = await ask<{ type: "url"; url: string }>(receiver, "url");
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_METRICS_EXPORTER: "none" };
    const stacks: Readonly<Record<string, StackOptions>> = {
      [OFF]: { durability },
      "1 % sampled": {
        durability,
        env: { ...endpoint, OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" },
      },
      on: { durability, env: endpoint },
    };
    for (const [name, extent] of [
      ["256 in flight", bench.throughput(256)],
      ["alone", bench.latency()],
    ] as const) {
      if (!bench.wants(name)) continue;
      const contestants = [];
      for (const [label, on] of Object.entries(stacks)) {
        contestants.push(await bench.engine(label, on, chain(10), extent));
      }
      await bench.measure({ workload: "tracing", name, durability, references: [OFF] }, contestants);
    }
    const { requests, bytes } = await ask<Received>(receiver, "received");
    if (requests === 0) throw new Error("no traces were exported: what was measured is not tracing");
    bench.say(`the receiver got ${requests} exports, ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
  } finally {
    await bench.close();
    await receiver.close();
  }
}
