/**
 * What a sleeping run costs: starts N runs that sleep for a week, waits until all rest, and says what the orchestrator
 * holds in memory and the server on disk for each. Usage: node --expose-gc bench/sleeping.mjs [--runs 100000]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { jetstream } from "@nats-io/jetstream";
import { loadNodes } from "../dist/actors/index.js";
import { connectNats, ensureTopology, startEmbeddedServer, subjects } from "../dist/nats/index.js";
import { startOrchestrator } from "../dist/orchestrator/index.js";
import { NodeCatalog } from "../dist/store/index.js";

const { values } = parseArgs({ options: { runs: { type: "string", default: "100000" } } });
const runs = Number(values.runs);
const storeDir = mkdtempSync(path.join(tmpdir(), "rayflow-sleeping-"));
const server = await startEmbeddedServer({ storeDir });
const nc = await connectNats({ servers: server.url, name: "sleeping" });
const topology = await ensureTopology(nc);
const { nodes } = await loadNodes();
await (await NodeCatalog.open(nc)).register([...nodes.values()].map(({ nodeType }) => nodeType));
const orchestrator = await startOrchestrator({
  nc: await connectNats({ servers: server.url, name: "orchestrator" }),
  topology,
  restAfterMs: 2_000,
});

const node = (id, type, more = {}) => ({ id, type, position: { x: 0, y: 0 }, data: { label: id, ...more } });
const edge = (id, source, target) => ({ id, source, target, sourceHandle: "exec-out", targetHandle: "exec-in" });
const flow = {
  name: "sleeper",
  nodes: [
    node("start", "start"),
    node("nap", "control_sleep", { constantValues: { seconds: 604_800 } }),
    node("ret", "return"),
  ],
  edges: [edge("a", "start", "nap"), edge("b", "nap", "ret")],
};
const payload = JSON.stringify({ flow, inputs: {} });
const js = jetstream(nc);

const heap = () => {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage();
};
const before = heap();
const started = performance.now();
for (let sent = 0; sent < runs; sent += 500) {
  await Promise.all(Array.from({ length: Math.min(500, runs - sent) }, () => js.publish(subjects.submit(), payload)));
}
const published = performance.now();
while (orchestrator.activeRuns < runs || orchestrator.runsInMemory > 0) {
  await new Promise((done) => setTimeout(done, 500));
  if (performance.now() - started > 900_000)
    throw new Error(
      `after 15 minutes ${orchestrator.runsInMemory} of ${orchestrator.activeRuns} runs are still in memory`,
    );
}
const rested = performance.now();
const after = heap();
const disk = Number(execFileSync("du", ["-sk", storeDir]).toString().split("\t")[0]) * 1024;
const serverRss =
  Number(/VmRSS:\s+(\d+)/.exec(execFileSync("cat", [`/proc/${server.pid}/status`]).toString())?.[1] ?? 0) * 1024;
console.log(
  JSON.stringify(
    {
      runs,
      seconds_to_publish: Math.round((published - started) / 100) / 10,
      seconds_until_all_rest: Math.round((rested - started) / 100) / 10,
      orchestrator_heap_bytes_per_run: Math.round((after.heapUsed - before.heapUsed) / runs),
      orchestrator_rss_bytes_per_run: Math.round((after.rss - before.rss) / runs),
      server_rss_bytes_per_run: Math.round(serverRss / runs),
      disk_bytes_per_run: Math.round(disk / runs),
    },
    null,
    2,
  ),
);
await orchestrator.stop();
await nc.close();
await server.stop();
rmSync(storeDir, { recursive: true, force: true });
process.exit(0);
