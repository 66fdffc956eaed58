/** What a sleeping run costs: memory of the orchestrator and of the server, and room on the disk. */
import { execFileSync } from "node:child_process";
import type { Bench } from "../bench.ts";
import type { Sample } from "../contest.ts";
import { residentBytes } from "../process-cpu.ts";
import { ask, forkScript, root, startServer } from "../processes.ts";
import type { SleepingAnswer } from "../sleeping/protocol.ts";

export async function sleeping(bench: Bench): Promise<void> {
  const { sleepers, against } = bench.options;
  const sample = (checkout: string) => () => sleep(checkout, sleepers);
  await bench.measure(
    { workload: "sleeping", name: `${sleepers} runs`, durability: "default", rounds: 1, warmup: false },
    [
      { name: "rayflow", sample: sample(root) },
      ...(against === undefined ? [] : [{ name: "against", sample: sample(against) }]),
    ],
  );
}

async function sleep(checkout: string, runs: number): Promise<Sample> {
  const server = await startServer("default");
  try {
    const before = residentBytes(server.pid);
    const orchestrator = await forkScript("sleeping/main.ts", [server.url, checkout], ["--expose-gc"]);
    try {
      const { seconds, heapBytes, residentBytes: resident } = await ask<SleepingAnswer>(orchestrator, { runs });
      return {
        "orchestrator heap bytes": heapBytes,
        "orchestrator resident bytes": resident,
        "server resident bytes": (residentBytes(server.pid) - before) / runs,
        "disk bytes": folderBytes(server.storeDir) / runs,
        "s until all rest": seconds,
      };
    } finally {
      await orchestrator.close();
    }
  } finally {
    await server.stop();
  }
}

function folderBytes(folder: string): number {
  return Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]) * 1024;
}
