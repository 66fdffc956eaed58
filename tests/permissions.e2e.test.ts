/**
 * The roles as they are rendered, on a real server with TLS: enough for a whole flow, and nothing besides. One server for
 * two tenants; the processes of one are real, the other's parts live here.
 */
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { RunDirectory, submitRun } from "../gateway/index.ts";
import { connectNats, headerNames, inboxOn, type RunResult, runIdOf } from "../nats/index.ts";
import { type Orchestrator, startOrchestrator } from "../orchestrator/index.ts";
import { VariableStore } from "../store/index.ts";
import { type Attempt, isAllowed } from "./permissions/attempts.ts";
import { type LockedServer, startLockedServer } from "./permissions/locked-server.ts";
import type { RunningCommand } from "./rayflow-process.ts";

const MATH = "math_add,math_multiply,data_list_sum,data_list_range,logic_compare";
const VARIABLES = "variables_set,variables_get,variables_increment,variables_list";
const ROLES = [
  ...["orchestrator", "gateway", "publisher", "observer"],
  ...[`math=actor:${MATH}`, `vars=actor:${VARIABLES}`],
];

const child = flowBuilder({ name: "double" })
  .node("start", "start")
  .node("twice", "math_multiply", { constants: { y: 2 } })
  .node("ret", "return", { config: { name: "done" } })
  .chain("start", "ret")
  .data("start.value", "twice.x")
  .data("twice.result", "ret.value")
  .build();

/** A loop, variables of two scopes, a timer, a child run, and a value that is too large for a message. */
const whole = flowBuilder({ name: "whole" })
  .node("start", "start")
  .node("set", "variables_set", { config: { variable_name: "seen", scope: "global" } })
  .node("each", "control_for_each")
  .node("count", "variables_increment", { config: { variable_name: "n" } })
  .node("nap", "control_sleep", { constants: { seconds: 0.2 } })
  .node("sub", "control_subflow", { config: { flow: child } })
  .node("range", "data_list_range", { constants: { start: 0, stop: 120_000 } })
  .node("keep", "variables_set", { config: { variable_name: "last", scope: "flow" } })
  .node("sum", "data_list_sum")
  .node("all", "variables_list", { config: {} })
  .node("ret", "return", { config: { name: "done" } })
  .chain("start", "set", "each")
  .exec("each.body", "count")
  .exec("each.completed", "nap")
  .chain("nap", "sub", "keep", "ret")
  .data("start.value", "set.value")
  .data("start.list", "each.list")
  .data("count.value", "each.collect")
  .data("start.value", "sub.value")
  .data("each.count", "keep.value")
  .data("range.list", "sum.list")
  .data("sub.result", "ret.child")
  .data("each.results", "ret.counted")
  .data("sum.result", "ret.sum")
  .data("range.list", "ret.large")
  .data("all.variables", "ret.variables")
  .build();
const inputs = { value: 21, list: ["a", "b", "c"] };

let server: LockedServer;
let orchestrator: RunningCommand;
let gateway: RunningCommand;
let http = "";
const blue: { actors: Actor[]; orchestrator?: Orchestrator } = { actors: [] };
const silent = pino({ level: "silent" });

beforeAll(async () => {
  server = await startLockedServer(["red", "blue"], ROLES);
  // Actors first: they wait for what only an orchestrator may set up.
  const actors = [
    server.start("red-math", ["actor", "--restricted", "--types", MATH]),
    server.start("red-vars", ["actor", "--restricted", "--types", VARIABLES]),
  ];
  orchestrator = server.start("red-orchestrator", ["orchestrator"]);
  await orchestrator.until(/the orchestrator is up/);
  gateway = server.start("red-gateway", ["gateway", "--port", "0", "--no-editor"]);
  await Promise.all([...actors.map((actor) => actor.until(/actor ready/)), gateway.until(/gateway is up/)]);
  http = /http:\/\/127\.0\.0\.1:\d+/.exec(gateway.stdout + gateway.stderr)?.[0] ?? "";
});
afterAll(async () => {
  await Promise.all(blue.actors.map((actor) => actor.stop()));
  await blue.orchestrator?.stop();
  await server?.[Symbol.asyncDispose]();
});

function check(result: RunResult | undefined): void {
  expect(result).toMatchObject({
    success: true,
    result: { child: { value: 42 }, counted: [1, 2, 3], sum: 7_199_940_000, variables: { n: 3 } },
  });
  const large = (result?.result as { large: unknown } | undefined)?.large;
  expect(Array.isArray(large) ? large.length : large).toBe(120_000);
}

describe("a whole flow, each role a process of its own", () => {
  it("runs over HTTP, and its history is read", async () => {
    const sent = await fetch(`${http}/api/flows/execute`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "first" },
      body: JSON.stringify({ flow: whole, inputs }),
    });
    const result = (await sent.json()) as RunResult;
    check(result);
    const events = await fetch(`${http}/api/runs/${result.run_id}/log`);
    expect(events.status).toBe(200);
    const status = await fetch(`${http}/api/admin/status`);
    expect(await status.text()).not.toContain('"fail"');
    const variable = await fetch(`${http}/api/variables/global/seen`);
    expect(await variable.json()).toMatchObject({ value: 21 });
  });

  it("is submitted by a publisher, which hears how it goes where it said", async () => {
    const nc = await server.connect("red-publisher");
    const reply = inboxOn(nc);
    const finished = new Promise<string>((done) => {
      nc.subscribe(reply, {
        callback: (_, message) => {
          if (message.string().includes('"finished"')) done(message.string());
        },
      });
    });
    const h = headers();
    h.set(headerNames.reply, reply);
    h.set(headerNames.msgId, "from-a-publisher");
    nc.publish("rayflow.flow.run", JSON.stringify({ flow: child, inputs: { value: 4 } }), { headers: h });
    expect(JSON.parse(await finished)).toMatchObject({
      run_id: runIdOf("from-a-publisher"),
      result: { success: true },
    });
    const asked = await nc.request("rayflow.svc.flow.run", JSON.stringify({ flow: child, inputs: { value: 5 } }), {
      timeout: 20_000,
    });
    expect(asked.json()).toMatchObject({ success: true, result: { value: 10 } });
  });

  it("is looked at by an observer", async () => {
    const list = await server.call("red-observer", ["runs", "list", "--json"]);
    expect(list.stderr).toBe("");
    const runs = JSON.parse(list.stdout) as { flow: string; status: string; run_id: string }[];
    expect(runs.filter(({ status }) => status === "succeeded").length).toBeGreaterThanOrEqual(4);
    const run = runs.find(({ flow }) => flow === "whole");
    const shown = await server.call("red-observer", ["runs", "describe", run?.run_id ?? "", "--json"]);
    expect(shown.code, shown.stderr).toBe(0);
  });

  it("breaks no permission on the way", () => {
    expect(server.violations()).toEqual([]);
  });
});

describe("two tenants on one server", () => {
  let blueNc: NatsConnection;

  it("the other one runs the same flow", async () => {
    const [orchestrating, math, vars] = await Promise.all(
      ["blue-orchestrator", "blue-math", "blue-vars"].map((user) => server.connect(user)),
    );
    if (!orchestrating || !math || !vars) throw new Error("not connected");
    const { nodes } = await loadNodes({});
    const starting = [
      startActor({ nc: math, nodes, types: MATH.split(","), restricted: true, logger: silent }),
      startActor({ nc: vars, nodes, types: VARIABLES.split(","), restricted: true, logger: silent }),
    ];
    blue.orchestrator = await startOrchestrator({ nc: orchestrating });
    blue.actors = await Promise.all(starting);
    blueNc = await server.connect("blue-gateway");
    const { NodeCatalog } = await import("../store/index.ts");
    const controls = [...nodes.values()].map(({ nodeType }) => nodeType).filter(({ kind }) => kind !== "actor");
    await (await NodeCatalog.open(orchestrating)).register(controls);
    const run = await submitRun(blueNc, { flow: whole, inputs: { ...inputs, value: 7 } });
    const result = await run.result;
    expect(result).toMatchObject({ success: true, result: { child: { value: 14 } } });
    expect(server.violations()).toEqual([]);
  });

  it("neither sees the other's variables, runs, streams", async () => {
    const red = await server.connect("red-gateway");
    const [ofRed, ofBlue] = await Promise.all([VariableStore.open(red), VariableStore.open(blueNc)]);
    expect(await ofRed.get({ scope: "global" }, "seen")).toEqual({ value: 21 });
    expect(await ofBlue.get({ scope: "global" }, "seen")).toEqual({ value: 7 });
    const watching = await RunDirectory.open(await server.connect("blue-observer"));
    expect((await watching.list({ flow: "whole" })).map(({ flow }) => flow)).toEqual(["whole"]);
    // Its log is another one: its sequences begin at one again.
    const [redJsm, blueJsm] = await Promise.all([red, blueNc].map((nc) => jetstreamManager(nc, { checkAPI: false })));
    const [a, b] = await Promise.all([
      redJsm?.streams.info("RAYFLOW_HISTORY"),
      blueJsm?.streams.info("RAYFLOW_HISTORY"),
    ]);
    expect(a?.state.messages).toBeGreaterThan(b?.state.messages ?? 0);
    expect(a?.created).not.toBe(b?.created);
  });

  it("neither hears the other, though the subjects are the same", async () => {
    const red = await server.connect("red-observer");
    let heard = 0;
    red.subscribe("rayflow.event.*.*", { callback: () => void heard++ });
    await red.flush();
    await (await submitRun(blueNc, { flow: child, inputs: { value: 1 } })).result;
    await red.flush();
    expect(heard).toBe(0);
    const run = await submitRun(await server.connect("red-gateway"), { flow: child, inputs: { value: 1 } });
    await run.result;
    await red.flush();
    expect(heard).toBeGreaterThan(0);
  });
});

describe("who has no certificate of the CA", () => {
  it("is refused, with the right key or not", async () => {
    const [first] = server.users;
    const connecting = connectNats({
      name: "stranger",
      servers: server.url,
      nkey: first?.secret_file ?? "",
      tls: { ca: server.certificates.ca },
      timeoutMs: 500,
    });
    await expect(connecting).rejects.toMatchObject({ code: "ConnectionFailed" });
  });

  it("and who has one but no user's key, too", async () => {
    const connecting = connectNats({
      name: "stranger",
      servers: server.url,
      tls: { ca: server.certificates.ca, ...server.certificates.client },
      timeoutMs: 500,
    });
    await expect(connecting).rejects.toMatchObject({ code: "ConnectionFailed" });
  });
});

/** What is tried, and who of red's users may: every other one must be refused. */
const attempts: readonly (Attempt & { readonly may: readonly string[] })[] = [
  { what: "publish a result of a math node", publish: "rayflow.result.math_add.0", may: ["math"] },
  { what: "publish a result of a variables node", publish: "rayflow.result.variables_set.0", may: ["vars"] },
  { what: "publish a result of a type that nobody here serves", publish: "rayflow.result.io_file_read.0", may: [] },
  { what: "send work to math", publish: "rayflow.node.math_add", may: ["orchestrator", "math"] },
  { what: "send work to other types", publish: "rayflow.node.io_file_write", may: ["orchestrator"] },
  {
    what: "take math's work",
    publish: "$JS.API.CONSUMER.MSG.NEXT.RAYFLOW_NODES.math_add",
    may: ["orchestrator", "math"],
  },
  { what: "ack math's work", publish: "$JS.ACK.RAYFLOW_NODES.math_add.1.99999.99999.1.0", may: ["math"] },
  { what: "ack a submission", publish: "$JS.ACK.RAYFLOW_SUBMIT.orchestrator.1.99999.99999.1.0", may: ["orchestrator"] },
  { what: "take submissions", publish: "$JS.API.CONSUMER.MSG.NEXT.RAYFLOW_SUBMIT.orchestrator", may: ["orchestrator"] },
  { what: "submit", publish: "rayflow.flow.run", may: ["orchestrator", "gateway", "publisher"] },
  { what: "end or control a run", publish: "rayflow.run.0.rnone", may: ["orchestrator", "gateway"] },
  { what: "write history", publish: "rayflow.history.none.rnone", may: ["orchestrator"] },
  { what: "set a timer", publish: "rayflow.timer.0.rnone.t", may: ["orchestrator"] },
  { what: "fire a timer", publish: "rayflow.fire.0.rnone.t", may: [] },
  { what: "stop a run's nodes", publish: "rayflow.cancel.rnone", may: ["orchestrator"] },
  { what: "tell news", publish: "rayflow.event.rnone.finished", may: ["orchestrator"] },
  { what: "set a variable", publish: "$KV.rayflow_vars.global.tried", may: ["orchestrator", "gateway", "vars"] },
  {
    what: "read variables",
    publish: "$JS.API.STREAM.MSG.GET.KV_rayflow_vars",
    may: ["orchestrator", "gateway", "observer", "vars"],
  },
  { what: "write a lease", publish: "$KV.rayflow_leases.tried", may: ["orchestrator"] },
  { what: "write a checkpoint", publish: "$KV.rayflow_checkpoints.tried", may: ["orchestrator"] },
  { what: "write a key", publish: "$KV.rayflow_keys.tried", may: ["orchestrator"] },
  { what: "read keys", publish: "$JS.API.STREAM.MSG.GET.KV_rayflow_keys", may: ["orchestrator", "gateway"] },
  { what: "declare math's type", publish: "$KV.rayflow_catalog.math_add", payload: "x", may: ["orchestrator", "math"] },
  { what: "declare another's type", publish: "$KV.rayflow_catalog.tried", payload: "x", may: ["orchestrator"] },
  { what: "deploy a flow", publish: "$KV.rayflow_flows.tried", may: ["orchestrator", "gateway"] },
  { what: "cache math's results", publish: "$KV.rayflow_cache.math_add.tried", may: ["orchestrator", "math"] },
  {
    what: "claim an idempotency key",
    publish: "$KV.rayflow_cache.idempotency-key.tried",
    may: ["orchestrator", "gateway"],
  },
  { what: "put a value", publish: "$O.rayflow_blobs.C.rnone.s.p", may: ["orchestrator", "gateway", "math", "vars"] },
  {
    what: "purge the log",
    publish: "$JS.API.STREAM.PURGE.RAYFLOW_LOG",
    payload: '{"filter":"rayflow.run.0.rnone"}',
    may: ["orchestrator"],
  },
  { what: "change the log", publish: "$JS.API.STREAM.UPDATE.RAYFLOW_LOG", payload: "{}", may: ["orchestrator"] },
  { what: "delete the log", publish: "$JS.API.STREAM.DELETE.RAYFLOW_LOG", may: [] },
  {
    what: "delete a message of the log",
    publish: "$JS.API.STREAM.MSG.DELETE.RAYFLOW_LOG",
    payload: '{"seq":1}',
    may: [],
  },
  { what: "delete the variables", publish: "$JS.API.STREAM.DELETE.KV_rayflow_vars", may: [] },
  { what: "make a stream", publish: "$JS.API.STREAM.CREATE.STOLEN", payload: "{}", may: [] },
  {
    what: "make a consumer of the work queue",
    publish: "$JS.API.CONSUMER.CREATE.RAYFLOW_NODES.x",
    payload: "{}",
    may: ["orchestrator"],
  },
  { what: "delete math's queue", publish: "$JS.API.CONSUMER.DELETE.RAYFLOW_NODES.none", may: ["orchestrator"] },
  { what: "read the log", publish: "$JS.API.STREAM.MSG.GET.RAYFLOW_LOG", may: ["orchestrator", "gateway", "observer"] },
  { what: "ask the server's system", publish: "$SYS.REQ.SERVER.PING", may: [] },
  { what: "hear everything", subscribe: ">", may: [] },
  { what: "hear all inboxes", subscribe: "_INBOX.>", may: [] },
  { what: "hear the gateway's inbox", subscribe: "_INBOX.red-gateway.>", may: ["gateway"] },
  { what: "hear math's inbox", subscribe: "_INBOX.red-math.>", may: ["math"] },
  { what: "hear news of runs", subscribe: "rayflow.event.*.*", may: ["orchestrator", "gateway", "observer"] },
  { what: "hear submissions", subscribe: "rayflow.flow.run", may: [] },
  { what: "hear results", subscribe: "rayflow.result.>", may: [] },
  { what: "hear work", subscribe: "rayflow.node.*", may: [] },
  { what: "answer in the place of the service", subscribe: "rayflow.svc.flow.run", may: ["orchestrator"] },
  { what: "hear acks", subscribe: "$JS.ACK.>", may: [] },
  { what: "hear variables", subscribe: "$KV.>", may: [] },
];

describe("what a role may not do", () => {
  const users = ["orchestrator", "gateway", "publisher", "observer", "math", "vars"];
  const connections = new Map<string, NatsConnection>();
  const unprefixed = new Map<string, NatsConnection>();

  beforeAll(async () => {
    for (const user of users) connections.set(user, await server.connect(`red-${user}`));
    for (const user of ["math", "vars"]) unprefixed.set(user, await server.connect(`red-${user}`, { plainApi: true }));
  });

  it.each(attempts)("$what: $may", async ({ may, ...attempt }) => {
    const allowed: string[] = [];
    for (const user of users) {
      const nc = connections.get(user);
      if (nc && (await isAllowed(nc, attempt))) allowed.push(user);
      // Where the server answers to every account itself, an actor may not ask either.
      const plain = unprefixed.get(user);
      if (plain)
        expect(await isAllowed(plain, attempt)).toBe(
          attempt.publish?.startsWith("$JS.API") !== true && may.includes(user),
        );
    }
    expect(allowed).toEqual(users.filter((user) => may.includes(user)));
  });

  it("an actor cannot have the server write for it where it may not publish itself", async () => {
    const [math, looking] = [connections.get("math"), connections.get("observer")];
    if (!math || !looking) throw new Error("not connected");
    const jsm = await jetstreamManager(looking, { checkAPI: false });
    const held = async (subject: string) => {
      const { state } = await jsm.streams.info("RAYFLOW_LOG", { subjects_filter: subject });
      return Object.keys(state.subjects ?? {});
    };
    const forge = async (nc: NatsConnection, to: string) => {
      nc.publish("$O.rayflow_blobs.C.rnone.s.forged", JSON.stringify({ v: 1, kind: "cancel" }));
      const wanted = JSON.stringify({ last_by_subj: "$O.rayflow_blobs.C.rnone.s.forged" });
      nc.publish("$JS.API.DIRECT.GET.OBJ_rayflow_blobs", wanted, { reply: to });
      nc.publish("$JS.API.STREAM.MSG.GET.OBJ_rayflow_blobs", wanted, { reply: to });
      nc.publish("$O.rayflow_blobs.C.rnone.s.p", "x", { reply: to });
      await nc.flush();
      await delay(100);
    };
    await forge(math, "rayflow.run.0.rforgedbymath");
    expect(await held("rayflow.run.*.rforgedbymath")).toEqual([]);
    // The control: the same from within the tenant's account, where only trust keeps one from it.
    const gatewayNc = connections.get("gateway");
    if (!gatewayNc) throw new Error("not connected");
    await forge(gatewayNc, "rayflow.run.0.rforgedfromwithin");
    expect(await held("rayflow.run.*.rforgedfromwithin")).toHaveLength(1);
  });

  it("who may write a variable cannot erase the others by a roll-up, nor anybody the log", async () => {
    const [vars, math, gatewayNc] = ["vars", "math", "gateway"].map((user) => connections.get(user));
    if (!vars || !math || !gatewayNc) throw new Error("not connected");
    const h = headers();
    h.set("Nats-Rollup", "all");
    const rolled = await vars.request("$KV.rayflow_vars.global.tried", "x", { headers: h, timeout: 5_000 });
    expect(rolled.json()).toMatchObject({ error: { description: expect.stringMatching(/rollup not permitted/) } });
    const result = await math.request("rayflow.result.math_add.0", "x", { headers: h, timeout: 5_000 });
    expect(result.json()).toMatchObject({ error: { description: expect.stringMatching(/rollup not permitted/) } });
    expect(await (await VariableStore.open(gatewayNc)).get({ scope: "global" }, "seen")).toEqual({ value: 21 });
  });

  it("nothing that was tried has hurt: runs go on", async () => {
    const nc = connections.get("gateway");
    if (!nc) throw new Error("not connected");
    const run = await submitRun(nc, { flow: child, inputs: { value: 3 } });
    expect(await run.result).toMatchObject({ success: true, result: { value: 6 } });
  });
});
