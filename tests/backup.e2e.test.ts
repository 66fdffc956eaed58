/** A backup of a server at work, restored into a fresh one: what had ended is there, what had not goes on. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { RunControl, RunDirectory, submitRun } from "../gateway/index.ts";
import { connectNats, type EmbeddedServer, ensureTopology, startEmbeddedServer } from "../nats/index.ts";
import { type Orchestrator, startOrchestrator } from "../orchestrator/index.ts";
import { FlowRegistry, VariableStore } from "../store/index.ts";
import { rayflow, temporaryFolder } from "./rayflow-process.ts";

const done = { config: { name: "done" } };
const large = flowBuilder({ name: "large" })
  .node("start", "start")
  .node("range", "data_list_range", { constants: { stop: 120_000 } })
  .node("ret", "return", done)
  .chain("start", "ret")
  .data("range.list", "ret.list")
  .build();
const waiting = flowBuilder({ name: "waiting" })
  .node("start", "start")
  .node("count", "variables_increment", { config: { variable_name: "runs", scope: "global" } })
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("add", "math_add")
  .node("ret", "return", done)
  .chain("start", "count", "wait", "ret")
  .data("start.value", "add.x")
  .data("wait.payload", "add.y")
  .data("add.result", "ret.value")
  .build();
const sleeping = flowBuilder({ name: "sleeping" })
  .node("start", "start")
  .node("nap", "control_sleep", { constants: { seconds: 3 } })
  .node("ret", "return", done)
  .chain("start", "nap", "ret")
  .data("start.value", "ret.value")
  .build();

interface Site {
  readonly server: EmbeddedServer;
  readonly nc: NatsConnection;
  orchestrator?: Orchestrator;
  actor?: Actor;
}
const sites: Site[] = [];
const folder = temporaryFolder("rayflow-backup-");
const backup = path.join(folder.path, "backup");
const logger = pino({ level: "silent" });

async function openSite(): Promise<Site> {
  const server = await startEmbeddedServer();
  const site: Site = { server, nc: await connectNats({ name: "site", servers: server.url }) };
  sites.push(site);
  return site;
}

async function work(site: Site): Promise<void> {
  const { nodes } = await loadNodes({});
  // Log entries are trimmed as they would be later: some runs are in the backup by their snapshots alone.
  site.orchestrator = await startOrchestrator({ nc: site.nc, restAfterMs: 300 });
  site.actor = await startActor({ nc: site.nc, nodes, logger });
}

async function close(site: Site): Promise<void> {
  await site.actor?.stop();
  await site.orchestrator?.stop();
  await site.nc.close();
  await site.server.stop();
}

let first: Site;
beforeAll(async () => {
  first = await openSite();
  await ensureTopology(first.nc, { leaseTtlMs: 1_000 });
  await work(first);
});
afterAll(async () => {
  await Promise.all(sites.map(close));
  folder.remove();
});

it("what had ended is there, what had not goes on", async () => {
  const { nc } = first;
  const ended = await (await submitRun(nc, { flow: large }, { msgId: "large" })).result;
  expect(ended.success).toBe(true);
  const { nodes } = await loadNodes({});
  const types = new Map([...nodes].map(([type, { nodeType }]) => [type, nodeType]));
  await (await FlowRegistry.open(nc)).deploy(waiting, { types });
  const atRest = await Promise.all(
    [1, 2, 3].map((value) => submitRun(nc, { flow: waiting, inputs: { value } }, { msgId: `rest-${value}` })),
  );
  const directory = await RunDirectory.open(nc);
  const control = new RunControl(nc, directory);
  await expect.poll(async () => (await directory.list({ status: "waiting" })).length).toBe(3);
  // Load, so that the log grows and is trimmed while it is read.
  let loading = true;
  const load = (async () => {
    for (let value = 0; loading; value++) {
      await (
        await submitRun(nc, { flow: { ...waiting, name: "load" }, inputs: { value } }, { msgId: `load-${value}` })
      ).abandon();
      await delay(20);
    }
  })();
  const asleep = await submitRun(nc, { flow: sleeping, inputs: { value: 9 } });
  await expect.poll(async () => (await directory.current(asleep.runId))?.run?.id).toBe(asleep.runId);
  const made = await rayflow(["backup", backup, "--json", "--server", first.server.url]);
  loading = false;
  await load;
  expect(made.code, made.stderr).toBe(0);
  // What happens after it is not in it.
  await control.signal(atRest[0]?.runId ?? "", { name: "go", payload: 100 });
  expect(await atRest[0]?.result).toMatchObject({ success: true });
  await close(first);
  sites.splice(0);

  const second = await openSite();
  const restored = await rayflow(["restore", backup, "--json", "--server", second.server.url]);
  expect(restored.code, restored.stderr).toBe(0);
  await work(second);
  const there = await RunDirectory.open(second.nc);
  // The same submission again gives the run that there is, with its large value read from the object store.
  const known = await submitRun(second.nc, { flow: large }, { msgId: "large" });
  expect(known.runId).toBe(ended.run_id);
  expect((await known.result).result).toEqual(ended.result);
  expect((await there.list({ flow: "large" })).length).toBe(1);
  expect((await (await FlowRegistry.open(second.nc)).list()).map(({ name }) => name)).toEqual(["waiting"]);
  const again = new RunControl(second.nc, there);
  for (const [at, { runId }] of atRest.entries()) {
    const result = (
      await submitRun(second.nc, { flow: waiting, inputs: { value: at + 1 } }, { msgId: `rest-${at + 1}` })
    ).result;
    await again.signal(runId, { name: "go", payload: 10 });
    expect(await result).toMatchObject({ run_id: runId, success: true, result: { value: at + 11 } });
  }
  await expect.poll(async () => (await there.describe(asleep.runId)).status).toBe("succeeded");
  // The variables were read after the log: none of its runs' increments is missing.
  const live = await there.list({ flow: "load", limit: 1_000 });
  expect(live.length).toBeGreaterThan(0);
  const counted = await (await VariableStore.open(second.nc)).get({ scope: "global" }, "runs");
  expect(counted?.value).toBeGreaterThanOrEqual(live.length + atRest.length);
});

it("a server that has a RayFlow is left alone, and so is a folder with a backup", async () => {
  const [site] = sites;
  const restored = await rayflow(["restore", backup, "--server", site?.server.url ?? ""]);
  expect(restored).toMatchObject({ code: 2, stderr: expect.stringMatching(/restore into an account without RayFlow/) });
  const twice = await rayflow(["backup", backup, "--server", site?.server.url ?? ""]);
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringMatching(/holds a backup already/) });
});

it("a damaged backup is noticed before anything is made", async () => {
  const file = path.join(backup, "KV_rayflow_vars.snapshot");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const empty = await openSite();
  const restored = await rayflow(["restore", backup, "--server", empty.server.url]);
  expect(restored).toMatchObject({ code: 2, stderr: expect.stringMatching(/KV_rayflow_vars\.snapshot is damaged/) });
  expect((await rayflow(["backup", path.join(folder.path, "none"), "--server", empty.server.url])).stderr).toMatch(
    /no RayFlow/,
  );
});
