/** Triggers on a real server, with two orchestrators that both have them all. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, loadNodes, startActor } from "../../actors/index.ts";
import type { NodeType } from "../../flow/index.ts";
import { STREAMS, subjects } from "../../nats/index.ts";
import { eventually, reconnected, withServer } from "../../nats/testing.ts";
import { FlowRegistry, RunLog, VariableStore } from "../../store/index.ts";
import { type Orchestrator, startOrchestrator } from "../orchestrator.ts";
import { echoFlow, type RunsSeen, watchRuns } from "./testing-runs.ts";

const nats = withServer();
let types: Map<string, NodeType>;
let actor: Actor;
let registry: FlowRegistry;
let variables: VariableStore;
let runs: RunsSeen;
let orchestrators: Orchestrator[] = [];

async function startTwo(): Promise<void> {
  const { topology } = nats;
  orchestrators = await Promise.all(
    ["one", "two"].map(async (id) => startOrchestrator({ nc: await nats.connect(id), id, topology })),
  );
}

async function stopAll(): Promise<void> {
  await Promise.all(orchestrators.map((one) => one.stop()));
}

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  types = new Map([...nodes].map(([type, { nodeType }]) => [type, nodeType]));
  actor = await startActor({ nc: await nats.connect("actor"), nodes, logger: pino({ level: "silent" }) });
  registry = await FlowRegistry.open(nats.nc);
  variables = await VariableStore.open(nats.nc);
  runs = watchRuns(nats.nc);
  await startTwo();
}, 60_000);

afterAll(async () => {
  await stopAll();
  await actor?.stop();
  await nats.stop();
});

const deploy = (name: string, triggers: unknown[], more: object = {}) =>
  registry.deploy(echoFlow(name, triggers, more), { types });

/** How many runs there were of it; each of them once. */
function count(flow: string): number {
  const accepted = runs.accepted(flow);
  expect(new Set(accepted).size).toBe(accepted.length);
  return accepted.length;
}

const finished = (flow: string, many: number) =>
  eventually(() => runs.results(flow).length >= many, `${many} runs of ${flow} end`, 20_000);

const results = (flow: string) => runs.results(flow).map(({ result }) => result ?? {});

/** For which seconds it ran, by the history: news of runs may be lost while the server is away. */
async function dueTimes(flow: string): Promise<number[]> {
  const log = await RunLog.open(nats.nc, nats.topology.partitions);
  const runsOf = await log.history.list({ flow, limit: 1_000 });
  const histories = await Promise.all(runsOf.map(({ run }) => log.history.read(run)));
  const times = histories.map((history) => Date.parse(String(history?.result.result?.scheduled_at)) / 1_000);
  return times.sort((a, b) => a - b);
}

async function schedules(flow: string): Promise<number> {
  const jsm = await jetstreamManager(nats.nc);
  const info = await jsm.streams.info(STREAMS.timers, { subjects_filter: `rayflow.timer.trigger.${flow}.*` });
  return Object.keys(info.state.subjects ?? {}).length;
}

async function consumers(stream: string): Promise<string[]> {
  const jsm = await jetstreamManager(nats.nc);
  const names: string[] = [];
  for await (const { name } of jsm.consumers.list(stream)) if (name.startsWith("rayflow-")) names.push(name);
  return names;
}

/** As if the schedule of a flow's only trigger had fired just now. */
async function fire(flow: string, due: string | number): Promise<void> {
  const id = (await registry.get(flow))?.triggers[0]?.id ?? "none";
  const body = JSON.stringify({ v: 1, due: new Date(due).getTime() });
  await jetstream(nats.nc).publish(subjects.triggerFire(flow, id), body);
}

describe("times", () => {
  test.each([
    ["an interval", "ticking", { every: "1s", inputs: { x: 5 } }],
    ["a cron expression in a time zone", "cron", { cron: "* * * * * *", timezone: "Asia/Tokyo", inputs: { x: 5 } }],
  ])("%s fires at each of its times, once, through a restart of the server", async (_, flow, trigger) => {
    await deploy(flow, [trigger]);
    await eventually(async () => (await dueTimes(flow)).length >= 2, "it fires");
    await nats.server.kill();
    await nats.server.restart();
    await reconnected(nats.nc);
    const before = (await dueTimes(flow)).length;
    await eventually(async () => (await dueTimes(flow)).length >= before + 3, "it goes on", 30_000);
    await registry.delete(flow);
    count(flow);
    // A run that was on its way when the server died may end after a later one.
    const hasNoGap = async () => (await dueTimes(flow)).every((time, at, all) => time === (all[0] ?? 0) + at);
    await eventually(hasNoGap, "there is a run for each second", 20_000);
    expect(results(flow)[0]).toMatchObject({ x: 5 });
    await eventually(async () => (await schedules(flow)) === 0, "no schedule is left");
  });

  test("many missed firings are one run, for the last of them, or none", async () => {
    await deploy("last", [{ cron: "0 0 * * *" }]);
    await deploy("skip", [{ cron: "0 0 * * *", catch_up: "skip" }]);
    // Served long after they were due, as when everything was down.
    const { deployed_at } = (await registry.get("last")) ?? { deployed_at: 0 };
    expect(deployed_at).toBeGreaterThan(0);
    await eventually(async () => (await schedules("last")) + (await schedules("skip")) === 2, "both are scheduled");
    await redate("last", "2026-01-01T00:00:00Z");
    await redate("skip", "2026-01-01T00:00:00Z");
    await fire("last", "2026-01-02T00:00:00Z");
    await fire("skip", "2026-01-02T00:00:00Z");
    await eventually(async () => (await dueTimes("last")).length === 1, "it runs");
    const midnight = Math.floor(Date.now() / 86_400_000) * 86_400;
    expect(await dueTimes("last")).toEqual([midnight]);
    await fire("last", "2026-01-02T00:00:00Z");
    await eventually(pendingFires, "all was served");
    expect([count("last"), count("skip")]).toEqual([1, 0]);
    expect([await schedules("last"), await schedules("skip")]).toEqual([1, 1]);
  });

  /** Makes a flow's triggers older than they are. */
  async function redate(flow: string, since: string): Promise<void> {
    const entry = await registry.get(flow);
    const triggers = entry?.triggers.map((one) => ({ ...one, since: Date.parse(since) }));
    const js = jetstream(nats.nc);
    await js.publish(`$KV.rayflow_flows.f.${flow}`, JSON.stringify({ ...entry, triggers }));
    await eventually(async () => (await registry.get(flow))?.triggers[0]?.since === Date.parse(since), "it is older");
    // The orchestrators look into their own memory first.
    await deploy(`after-${flow}`, [{ subject: `after.${flow}` }]);
    await eventually(async () => {
      nats.nc.publish(`after.${flow}`);
      return runs.accepted(`after-${flow}`).length > 0;
    }, "they have seen it");
  }

  async function pendingFires(): Promise<boolean> {
    const jsm = await jetstreamManager(nats.nc);
    const { state } = await jsm.streams.info(STREAMS.timers, { subjects_filter: "rayflow.fire.>" });
    return Object.keys(state.subjects ?? {}).length === 0;
  }

  test("a firing that is delivered twice is one run", async () => {
    await deploy("twice", [{ every: "1h" }]);
    const due = (Math.floor(Date.now() / 3_600_000) + 1) * 3_600_000;
    await Promise.all([fire("twice", due), fire("twice", due), fire("twice", due)]);
    await finished("twice", 1);
    await eventually(pendingFires, "all was served");
    expect(count("twice")).toBe(1);
    expect(await schedules("twice")).toBe(1);
  });

  test("a schedule of a trigger that is no more ends with its next firing", async () => {
    await deploy("orphan", [{ every: "1h" }]);
    await eventually(async () => (await schedules("orphan")) === 1, "it is scheduled");
    await deploy("orphan", [{ every: "2h" }]);
    await eventually(async () => (await schedules("orphan")) === 1, "the new one replaces it");
    const js = jetstream(nats.nc);
    await js.publish(
      subjects.triggerFire("orphan", "interval-000000000000"),
      JSON.stringify({ v: 1, due: Date.now() }),
    );
    await js.publish(subjects.triggerFire("orphan", "interval-000000000000"), "no schedule's body");
    await eventually(pendingFires, "both are taken away");
    expect(count("orphan")).toBe(0);
  });
});

describe("subjects", () => {
  test("each message on a core subject is one run, whichever orchestrator gets it", async () => {
    await deploy("core", [{ subject: "orders.*", inputs: { x: "default", payload: "default" } }]);
    await eventually(async () => {
      nats.nc.publish("orders.probe", "probe");
      return runs.accepted("core").length > 0;
    }, "both listen");
    for (let x = 0; x < 50; x++) nats.nc.publish("orders.created", JSON.stringify({ x }));
    nats.nc.publish("orders.text", "hello");
    nats.nc.publish("orders.bad", '{"__proto__": {"x": 1}}');
    const wanted = () => results("core").filter(({ payload }) => payload !== "probe");
    await eventually(() => wanted().length >= 51, "all run");
    count("core");
    const seen = wanted();
    expect(seen).toHaveLength(51);
    expect(new Set(seen.map(({ x }) => x))).toEqual(new Set([...Array(50).keys(), "default"]));
    expect(seen).toContainEqual(expect.objectContaining({ payload: "hello", subject: "orders.text", x: "default" }));
  });

  test("messages of a stream are served even when they came while no orchestrator ran", async () => {
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcels.>"] });
    const js = jetstream(nats.nc);
    await js.publish("parcels.before", JSON.stringify({ x: "before" }));
    await deploy("streamed", [{ subject: "parcels.>", stream: "PARCELS" }]);
    await js.publish("parcels.new", JSON.stringify({ x: 0 }));
    await finished("streamed", 1);
    await stopAll();
    for (let x = 1; x <= 20; x++) await js.publish("parcels.new", JSON.stringify({ x }));
    await startTwo();
    await finished("streamed", 21);
    expect(count("streamed")).toBe(21);
    expect(new Set(results("streamed").map(({ x }) => x))).toEqual(new Set(Array(21).keys()));
  });

  test("a stream that is not there yet is waited for, and a deleted flow leaves no consumer", async () => {
    await deploy("early", [{ subject: "later.>", stream: "LATER" }]);
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.add({ name: "LATER", subjects: ["later.>"] });
    await eventually(async () => (await consumers("LATER")).length === 1, "they find it");
    await jetstream(nats.nc).publish("later.one", "1");
    await finished("early", 1);
    await registry.delete("early");
    await eventually(async () => (await consumers("LATER")).length === 0, "the consumer is gone");
    await jetstream(nats.nc).publish("later.two", "2");
    await registry.deploy(echoFlow("early", [{ subject: "later.>", stream: "LATER" }]), { types });
    await jetstream(nats.nc).publish("later.three", "3");
    await finished("early", 2);
    expect(results("early").map(({ payload }) => payload)).toEqual([1, 3]);
    expect(count("early")).toBe(2);
  });
});

describe("variables", () => {
  test("each change of a global variable is one run; what was before and a deletion are none", async () => {
    await variables.set({ scope: "global" }, "rate.eur", 1);
    await deploy("rates", [{ variable: "global.rate.eur" }]);
    for (const value of [2, null, { a: [3] }]) {
      const before = count("rates");
      await variables.set({ scope: "global" }, "rate.eur", value);
      await finished("rates", before + 1);
    }
    await variables.delete({ scope: "global" }, "rate.eur");
    await variables.set({ scope: "global" }, "rate.usd", 9);
    await variables.set({ scope: "global" }, "rate.eur", 4);
    await finished("rates", 4);
    expect(count("rates")).toBe(4);
    expect(results("rates").map(({ value }) => value)).toEqual([2, null, { a: [3] }, 4]);
    expect(results("rates")[0]).toMatchObject({ name: "rate.eur", revision: expect.any(Number) });
  });

  test("a flow that changes the variable that starts it is held to its pace", async () => {
    const flow = {
      name: "circle",
      triggers: [{ variable: "flow.n", max_per_second: 4 }],
      nodes: [
        { id: "s", type: "start" },
        { id: "i", type: "variables_increment", config: { variable_name: "n", scope: "flow" } },
        { id: "r", type: "return" },
      ],
      edges: [
        { id: "a", source: "s", target: "i", sourceHandle: "exec-out", targetHandle: "exec-in" },
        { id: "b", source: "i", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
      ],
    };
    await registry.deploy(flow, { types });
    await variables.set({ scope: "flow", flow: "circle" }, "n", 0);
    const start = performance.now();
    await finished("circle", 12);
    const seconds = (performance.now() - start) / 1_000;
    await registry.delete("circle");
    // Two orchestrators, each with a pace of four, and a window that has just begun.
    expect(count("circle")).toBeLessThanOrEqual((seconds + 2) * 8);
    expect(seconds).toBeGreaterThan(0.5);
    await eventually(
      async () => (await consumers("KV_rayflow_vars")).every((name) => !/circle/.test(name)),
      "it stops",
    );
  });
});

test("a new version takes over the triggers, and the old one's inputs are gone", async () => {
  await deploy("replaced", [{ subject: "replaced.in", inputs: { x: "old" } }]);
  const heard = async (x: string) => {
    nats.nc.publish("replaced.in");
    return results("replaced").at(-1)?.x === x;
  };
  await eventually(() => heard("old"), "the old one runs");
  await deploy("replaced", [{ subject: "replaced.in", inputs: { x: "new" } }]);
  await eventually(() => heard("new"), "the new one runs");
  await deploy("replaced", []);
  await eventually(async () => {
    const before = runs.accepted("replaced").length;
    nats.nc.publish("replaced.in");
    await nats.nc.flush();
    // A message that starts a run does so before one that was published later through JetStream does.
    await jetstream(nats.nc).publish(subjects.submitTo("replaced"), JSON.stringify({ x: "by hand" }));
    await eventually(() => results("replaced").some(({ x }) => x === "by hand"), "the run by hand ends");
    return runs.accepted("replaced").length === before + 1;
  }, "nobody listens any more");
});
