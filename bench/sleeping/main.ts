/**
 * An orchestrator in a process of its own that takes in N runs which sleep for a week, waits until all rest, and says
 * what it holds in memory for each. Needs --expose-gc. Arguments: the server's URL, the checkout whose dist/ is
 * measured. Asked with a number of runs.
 */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { jetstream } from "@nats-io/jetstream";
import { sleeper } from "../flows.ts";
import type { SleepingAnswer } from "./protocol.ts";

const [url = "", checkout = ""] = process.argv.slice(2);
const room = (name: string): Promise<unknown> =>
  import(pathToFileURL(path.join(checkout, "dist", name, "index.js")).href);
const { connectNats, ensureTopology } = (await room("nats")) as typeof import("../../nats/index.ts");
const { startOrchestrator } = (await room("orchestrator")) as typeof import("../../orchestrator/index.ts");
const { loadNodes } = (await room("actors")) as typeof import("../../actors/index.ts");
const { NodeCatalog } = (await room("store")) as typeof import("../../store/index.ts");

const LONGEST_MS = 900_000;
/** Submissions on their way at once. */
const BATCH = 500;

const nc = await connectNats({ servers: url, name: "bench sleeping" });
const topology = await ensureTopology(nc);
const { nodes } = await loadNodes();
await (await NodeCatalog.open(nc)).register([...nodes.values()].map(({ nodeType }) => nodeType));
const orchestrator = await startOrchestrator({
  nc: await connectNats({ servers: url, name: "orchestrator" }),
  topology,
  restAfterMs: 2_000,
});

function memory(): NodeJS.MemoryUsage {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage();
}

async function measure(runs: number): Promise<SleepingAnswer> {
  const js = jetstream(nc);
  const flow = sleeper();
  const payload = JSON.stringify({ flow: flow.flow, inputs: flow.inputs });
  const before = memory();
  const begun = performance.now();
  for (let sent = 0; sent < runs; sent += BATCH) {
    const some = Math.min(BATCH, runs - sent);
    await Promise.all(Array.from({ length: some }, () => js.publish("rayflow.flow.run", payload)));
  }
  while (orchestrator.activeRuns < runs || orchestrator.runsInMemory > 0) {
    await delay(200);
    if (performance.now() - begun > LONGEST_MS) {
      throw new Error(`${orchestrator.runsInMemory} of ${orchestrator.activeRuns} runs are still in memory`);
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const after = memory();
  return {
    type: "slept",
    seconds,
    heapBytes: (after.heapUsed + after.external - before.heapUsed - before.external) / runs,
    residentBytes: (after.rss - before.rss) / runs,
  };
}

process.on("message", ({ runs }: { runs: number }) => {
  measure(runs).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ type: "failed", message: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ type: "ready" });
