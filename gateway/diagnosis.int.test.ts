/** Faults that are made on purpose, on a real server, and what the doctor says of each. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { bucketStream, connectNats, ensureNodeConsumer, repairTopology, STREAMS } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { FlowRegistry, NodeCatalog } from "../store/index.ts";
import { type Check, type DiagnoseOptions, diagnose, unreachable } from "./diagnosis.ts";
import { startService } from "./request-reply.ts";
import { eventually, withRuns } from "./testing-runs.ts";

const rig = withRuns();
const stops: (() => Promise<unknown>)[] = [];
beforeAll(rig.start, 60_000);
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rig.rest();
});
afterAll(rig.stop);

/** An orchestrator that answers for itself, as `rayflow orchestrator` does. */
const serve = async (id: string) => {
  const orchestrator = await rig.orchestrate({ id });
  const service = await startService(await rig.nats.connect("service"), { version: "1.0.0", orchestrator });
  stops.push(() => service.stop());
  return orchestrator;
};
const faults = async (options: DiagnoseOptions = {}): Promise<Check[]> =>
  (await diagnose(rig.nats.nc, options)).filter(({ level }) => level !== "ok");
const found = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === name);

const plain = flowBuilder({ name: "plain" }).node("start", "start").node("ret", "return").chain("start", "ret").build();
const flowOf = (
  name: string,
  type: string,
  config: Record<string, unknown> = {},
  constants: Record<string, unknown> = {},
) =>
  flowBuilder({ name })
    .node("start", "start")
    .node("node", type, { config, constants })
    .node("ret", "return")
    .chain("start", "node", "ret")
    .build();

test("nothing is wrong with a system that runs; a clock that is off is told", async () => {
  await serve("o-well");
  await rig.ended(await rig.submit(plain));
  expect(await faults()).toEqual([]);
  const names = (await diagnose(rig.nats.nc)).map(({ name }) => name);
  for (const name of [
    "server",
    "storage",
    "clock",
    "durability",
    "orchestrators",
    "partitions",
    "actors",
    "redeliveries",
    "submissions",
    "runs",
  ]) {
    expect(names).toContain(name);
  }
  const ahead = await faults({ now: () => Date.now() + 5_000 });
  expect(ahead).toMatchObject([
    { name: "clock", level: "warn", message: expect.stringMatching(/^this machine is 5\.\d s ahead/) },
  ]);
  const behind = await faults({ now: () => Date.now() - 90_000 });
  expect(behind).toMatchObject([{ name: "clock", level: "fail", message: expect.stringMatching(/90\.\d s behind/) }]);
});

test("streams that are missing or not as they were set up are told, and put right", async () => {
  const jsm = await jetstreamManager(rig.nats.nc);
  const { config } = await jsm.streams.info(STREAMS.submit);
  await jsm.streams.update(STREAMS.submit, { ...config, max_msgs: 3 });
  const flows = (await jsm.streams.info(bucketStream("rayflow_flows"))).config;
  await jsm.streams.update(flows.name, { ...flows, max_msgs_per_subject: 5 });
  expect(await faults().then((checks) => found(checks, flows.name))).toMatchObject({
    level: "fail",
    message: "max_msgs_per_subject is 5, it was set up as 1",
    advice: expect.stringMatching(/doctor --fix/),
  });
  await jsm.streams.delete(bucketStream("rayflow_cache"));
  expect(await faults().then((checks) => found(checks, "streams"))).toMatchObject({
    level: "fail",
    message: "missing: KV_rayflow_cache",
  });
  // A limit that somebody set is no part of the set-up: it stays.
  expect(await repairTopology(rig.nats.nc)).toEqual(
    expect.arrayContaining([flows.name, bucketStream("rayflow_cache")]),
  );
  await serve("o-mended");
  expect(await faults()).toEqual([]);
  expect(await repairTopology(rig.nats.nc)).toEqual([]);
  await jsm.streams.update(STREAMS.submit, { ...config });
});

test("streams near their limit are told", async () => {
  await serve("o-full");
  const jsm = await jetstreamManager(rig.nats.nc);
  await rig.ended(await rig.submit(plain));
  const log = await jsm.streams.info(STREAMS.log);
  const history = await eventually(async () => {
    const info = await jsm.streams.info(STREAMS.history);
    expect(info.state.bytes).toBeGreaterThan(0);
    return info;
  });
  await jsm.streams.update(STREAMS.history, { ...history.config, max_bytes: Math.ceil(history.state.bytes * 1.1) });
  await jsm.streams.update(STREAMS.log, { ...log.config, max_bytes: Math.ceil(log.state.bytes * 1.01) });
  const told = await faults();
  expect(found(told, STREAMS.log)).toMatchObject({ level: "fail", advice: expect.stringMatching(/raise max_bytes/) });
  const ofHistory = told.filter(({ name }) => name === STREAMS.history);
  expect(ofHistory).toContainEqual(
    expect.objectContaining({
      level: "warn",
      message: expect.stringMatching(/\d+ % of its/),
      advice: expect.stringMatching(/--history-bytes/),
    }),
  );
  await jsm.streams.update(STREAMS.history, { ...history.config });
  await jsm.streams.update(STREAMS.log, { ...log.config });
});

test("without an orchestrator: partitions without an owner, submissions that wait, a log that is not carried out", async () => {
  const one = await serve("o-gone");
  const run = await rig.submit(flowOf("waits", "control_wait_signal", { signal: "go" }));
  await rig.standing(run, "waiting");
  for (const stop of stops.splice(0)) await stop();
  await one.stop();
  await rig.control.signal(run, { name: "go" });
  await rig.submit(plain);
  const told = await eventually(async () => {
    const all = await faults({ lateAfterMs: 300 });
    expect(all.map(({ name }) => name)).toContain("submissions");
    expect(all.some(({ name }) => name.startsWith("partition "))).toBe(true);
    return all;
  });
  expect(found(told, "orchestrators")).toMatchObject({
    level: "fail",
    advice: expect.stringMatching(/rayflow orchestrator/),
  });
  expect(found(told, "submissions")).toMatchObject({
    level: "fail",
    message: expect.stringMatching(/^1 wait, the oldest for \d/),
  });
  const behind = told.find(({ name }) => name.startsWith("partition "));
  expect(behind).toMatchObject({
    level: "fail",
    message: expect.stringMatching(/^1 messages are not carried out, .*; checkpoint: the last is/),
  });
  await serve("o-back");
  expect(await rig.ended(run)).toMatchObject({ success: true });
  await eventually(async () => expect(await faults({ lateAfterMs: 300 })).toEqual([]));
});

test("orchestrators that fence each other are told", async () => {
  const one = await serve("o-twin");
  const other = await startService(await rig.nats.connect("other"), {
    version: "1.0.0",
    orchestrator: { id: "o-other", partitions: [2], activeRuns: 0, refusals: one.refusals },
  });
  stops.push(() => other.stop());
  expect(found(await faults(), "fencing")).toMatchObject({
    level: "warn",
    message: expect.stringMatching(
      /^(o-twin and o-other|o-other and o-twin) both drive partition 2; its lease is o-twin's$/,
    ),
  });
  await serve("o-twin");
  expect(found(await faults(), "fencing")).toMatchObject({
    level: "fail",
    message: expect.stringMatching(/^several orchestrators call themselves o-twin/),
  });
});

test("runs that stand still are told: over a failed node, a signal, a breakpoint, an actor", async () => {
  await serve("o-stuck");
  const failed = await rig.submit(flowOf("broken", "test_fragile", {}, { key: "k" }), {}, { error_strategy: "pause" });
  await rig.standing(failed, "paused");
  const signal = await rig.submit(flowOf("asks", "control_wait_signal", { signal: "go" }));
  const timed = await rig.submit(flowOf("asks-for-a-while", "control_wait_signal", { signal: "go", timeout: "1h" }));
  const held = await rig.submit(plain, {}, { breakpoints: ["ret"] });
  const hangs = await rig.submit(flowOf("hangs", "test_hang"));
  await Promise.all([
    rig.standing(signal, "waiting"),
    rig.standing(timed, "waiting"),
    rig.standing(held, "paused"),
    rig.standing(hangs, "running"),
  ]);
  const told = (await faults({ stuckAfterMs: 0 })).filter(({ name }) => name === "runs");
  expect(told.map(({ level }) => level)).toEqual(["warn", "warn", "warn", "warn"]);
  const says = (text: string): string | undefined => told.find(({ message }) => message.includes(text))?.message;
  expect(says("paused over a failed node")).toContain(`1 paused over a failed node (${failed}`);
  expect(says("signal")).toContain(`1 have waited for a signal for long (${signal}`);
  expect(says("held")).toContain(held);
  expect(says("actor")).toContain(hangs);
  // Only the failed one is worth a word at once.
  expect((await faults()).map(({ message }) => message)).toEqual([expect.stringContaining(failed)]);
  for (const run of [failed, signal, timed, held, hangs]) await rig.control.terminate(run);
});

test("node types without an actor: of a deployed flow, and with messages that wait", async () => {
  await serve("o-starved");
  const { nc } = rig.nats;
  const [jsm, catalog, registry] = [
    await jetstreamManager(nc),
    await NodeCatalog.open(nc),
    await FlowRegistry.open(nc),
  ];
  const ghost = (await catalog.list()).find(({ type }) => type === "math_add");
  if (!ghost) throw new Error("no math_add");
  await catalog.register([{ ...ghost, type: "test_ghost" }]);
  const types = new Map((await catalog.list()).map((type) => [type.type, type]));
  await registry.deploy(flowOf("haunted", "test_ghost", {}, { x: 1, y: 2 }), { types });
  expect(found(await faults(), "type test_ghost")).toEqual({
    name: "type test_ghost",
    level: "fail",
    message: "no actor serves it, and deployed flows use it: haunted",
    advice: "start one: rayflow actor --types test_ghost",
  });
  await ensureNodeConsumer(jsm, "test_ghost");
  const run = await rig.submit(flowOf("haunted-run", "test_ghost", {}, { x: 1, y: 2 }));
  const told = await eventually(async () => {
    const all = await faults();
    expect(found(all, "actor test_ghost")).toBeDefined();
    return all;
  });
  expect(found(told, "actor test_ghost")).toMatchObject({
    level: "fail",
    message: "1 messages wait and nobody serves test_ghost",
  });

  // Somebody takes it, and says nothing, again and again.
  await jsm.consumers.update(STREAMS.nodes, "test_ghost", { ack_wait: 300_000_000 });
  const consumer = await jetstream(nc).consumers.get(STREAMS.nodes, "test_ghost");
  const taken = await consumer.consume({ callback: () => {} });
  const again = await eventually(async () => {
    const all = await faults({ sampleMs: 50 });
    expect(found(all, "actor test_ghost")?.level).toBe("warn");
    return all;
  });
  taken.stop();
  expect(found(again, "actor test_ghost")).toMatchObject({
    message: expect.stringMatching(/^1 messages were delivered more than once/),
  });
  await rig.control.terminate(run);
  await registry.delete("haunted");
});

describe("a server that sets limits and rights", () => {
  const accounts = `accounts {
    APP: { jetstream: { max_file: 4MB, max_mem: 4MB }, users: [
      { user: app, password: app },
      { user: blind, password: blind, permissions: { publish: { deny: ["$JS.API.STREAM.INFO.RAYFLOW_HISTORY"] } } },
      { user: looker, password: looker, permissions: { publish: { deny: ["$KV.>"] } } } ] }
    BARE: { users: [ { user: bare, password: bare } ] }
  }
  no_auth_user: app
  max_payload: 128KB`;
  const nats = withServer({ extraConfig: accounts });
  beforeAll(nats.start);
  afterAll(nats.stop);
  const as = async (user: string): Promise<Check[]> => {
    const nc = await connectNats({ name: user, servers: nats.server.url, user, pass: user });
    try {
      return await diagnose(nc);
    } finally {
      await nc.close();
    }
  };

  test("says what may not be done, what is too small, and that JetStream is off", async () => {
    const blind = await as("blind");
    expect(found(blind, "permissions")).toMatchObject({
      level: "fail",
      message: expect.stringContaining("publish $JS.API.STREAM.INFO.RAYFLOW_HISTORY"),
    });
    const looker = await as("looker");
    expect(found(looker, "storage")).toMatchObject({ level: "ok", message: expect.stringMatching(/may only look/) });
    expect(found(looker, "permissions")).toBeUndefined();
    expect(found(looker, "max_payload")).toMatchObject({ level: "warn", message: expect.stringMatching(/128\.0 KiB/) });
    expect(await as("bare")).toMatchObject([
      { name: "server", level: "fail", message: expect.stringMatching(/^JetStreamDisabled/) },
    ]);
  });

  test("says that the store is full", async () => {
    const js = jetstream(nats.nc);
    const chunk = new Uint8Array(100_000);
    const fill = async (): Promise<void> => {
      for (let at = 0; at < 100; at++) await js.publish(`$KV.rayflow_vars.run.fill.v${at}`, chunk);
    };
    await expect(fill()).rejects.toThrow();
    const told = await diagnose(nats.nc);
    expect(found(told, "disk limit")).toMatchObject({ level: "fail", advice: expect.stringMatching(/max_file/) });
  });
});

test("a server that cannot be used is told with what to do, by what went wrong", async () => {
  const refused = await connectNats({ name: "t", servers: "nats://127.0.0.1:1", timeoutMs: 500 }).catch(unreachable);
  expect(refused).toMatchObject({ level: "fail", advice: expect.stringMatching(/rayflow dev/) });
});
