/**
 * Recovery: an orchestrator that drives thousands of runs is killed, another one is started at once. How long from the
 * kill, and from the moment the new one holds its first lease, until it sends a step that the old one never sent.
 */
import { jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Bench, Case } from "../bench.ts";
import { slowChain } from "../flows.ts";
import { cpuSeconds } from "../process-cpu.ts";
import type { Durability, Stack } from "../processes.ts";
import { TakeoverWatch } from "./takeover-watch.ts";

const LENGTH = 60;
/** How long a step takes, ms. A run that is idle for 10 s leaves the orchestrator's memory until its step has a result. */
const CASES = [
  { name: "runs in flight", stepMs: [5_000, 9_000] },
  { name: "runs of which some rest", stepMs: [5_000, 15_000] },
] as const;
/** Submissions on their way at once. */
const BATCH = 250;

export async function recovery(bench: Bench, durability: Durability): Promise<void> {
  for (const { name, stepMs } of CASES) {
    const of = { workload: "recovery", name: `${bench.options.recoveryRuns} ${name}`, durability };
    if (bench.wants(of.name)) await recover(bench, of, stepMs);
  }
}

async function recover(bench: Bench, of: Case, stepMs: readonly [number, number]): Promise<void> {
  const { recoveryRuns, quick } = bench.options;
  await bench.close();
  const { stack, nc, watch } = await withRunsInFlight(bench, of.durability, recoveryRuns, stepMs);
  try {
    // Each round kills the orchestrator that the round before has started, while the same runs go on.
    await bench.measure({ ...of, rounds: quick ? 1 : 3, warmup: false }, [
      {
        name: "rayflow",
        sample: async () => {
          const killed = stack.orchestrators.pop();
          await watch.begin();
          await killed?.kill("SIGKILL");
          const killedAt = performance.now();
          const { pid } = await stack.startOrchestrator();
          const { firstLease, firstStep, lastLease, everyPartition } = await watch.takeover();
          return {
            "s lease to first step": (firstStep - firstLease) / 1000,
            "s kill to first step": (firstStep - killedAt) / 1000,
            "s kill to lease": (firstLease - killedAt) / 1000,
            "s last lease to every partition": (everyPartition - lastLease) / 1000,
            "cpu orchestrator s until then": cpuSeconds(pid),
          };
        },
      },
    ]);
  } finally {
    await nc.close();
    await bench.close();
  }
}

async function withRunsInFlight(
  bench: Bench,
  durability: Durability,
  runs: number,
  stepMs: readonly [number, number],
): Promise<{ stack: Stack; nc: NatsConnection; watch: TakeoverWatch }> {
  const stack = await bench.stack({
    durability,
    // The steps of all runs at once; and no word of each every few seconds that it is still at work.
    actorArgs: ["--concurrency", "10000", "--ack-wait", "120s"],
  });
  const flow = slowChain(LENGTH, ...stepMs);
  await stack.deploy(flow.name, flow.flow);
  const nc = await connect({ servers: stack.server.url, name: "bench recovery" });
  const watch = new TakeoverWatch(nc);
  const js = jetstream(nc);
  const payload = JSON.stringify(flow.inputs);
  for (let sent = 0; sent < runs; sent += BATCH) {
    const some = Math.min(BATCH, runs - sent);
    await Promise.all(Array.from({ length: some }, () => js.publish(`rayflow.flow.run.${flow.name}`, payload)));
  }
  await watch.runsSeen(runs);
  return { stack, nc, watch };
}
