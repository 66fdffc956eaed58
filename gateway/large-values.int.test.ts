/** Large values from end to end: client, orchestrator, actor, object store. */
import { Objm } from "@nats-io/obj";
import { headers } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, defineNode, loadNodes, type NodeDefinition, startActor } from "../actors/index.ts";
import { any, float, int, list } from "../actors/sdk.ts";
import { isBlobReference } from "../flow/index.ts";
import { BUCKETS, encodeMessage, type RunEvent, type RunResult, runIdOf, subjects } from "../nats/index.ts";
import { reconnected, withServer } from "../nats/testing.ts";
import { type Orchestrator, startOrchestrator } from "../orchestrator/index.ts";
import { BlobStore } from "../store/index.ts";
import { startService } from "./request-reply.ts";
import { type SubmitOptions, submitRun } from "./run-client.ts";

const nats = withServer();
let actor: Actor;
let orchestrator: Orchestrator;
/** What a `test_step` does before it gives its list back, one longer. */
let beforeStep: (node: string) => Promise<void> = async () => {};
let measured = 0;

const step = defineNode({
  type: "test_step",
  title: "Step",
  category: "test",
  inputs: { list: list() },
  outputs: { list: list() },
  run: async ({ inputs, ctx }) => {
    await beforeStep(ctx.nodeId);
    return { list: [...inputs.list, ctx.nodeId] };
  },
});
const measure = defineNode({
  type: "test_measure",
  title: "Measure",
  category: "test",
  pure: true,
  inputs: { a: any().optional(), b: any().optional(), c: any().optional(), d: any().optional(), e: any().optional() },
  outputs: { bytes: int(), kind: any() },
  run: ({ inputs }) => {
    measured++;
    return { bytes: JSON.stringify(inputs).length, kind: Array.isArray(inputs.a) ? "list" : typeof inputs.a };
  },
});
const range = defineNode({
  type: "test_range",
  title: "Range",
  category: "test",
  inputs: { count: float() },
  outputs: { list: list() },
  run: ({ inputs }) => ({ list: Array.from({ length: inputs.count }, (_, at) => at) }),
});

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  const all = new Map([...nodes].map(([type, node]) => [type, node as NodeDefinition]));
  for (const definition of [step, measure, range]) all.set(definition.nodeType.type, definition);
  actor = await startActor({ nc: await nats.connect("actor"), nodes: all, logger: pino({ level: "silent" }) });
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), topology: nats.topology });
}, 60_000);

afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop();
  await nats.stop();
});

type Node = { id: string; type: string; config?: unknown; policy?: unknown; constants?: unknown };

/** A flow whose exec edges run along its nodes; data edges are written `a.pin > b.pin`. */
function flowOf(nodes: readonly Node[], data: readonly string[], exec = chain(nodes)) {
  const edges = data.map((text) => {
    const [from = "", to = ""] = text.split(" > ");
    const [source, sourcePin] = from.split(".");
    const [target, targetPin] = to.split(".");
    return { source, target, sourceHandle: `output-${sourcePin}`, targetHandle: `input-${targetPin}` };
  });
  return {
    nodes: nodes.map(({ id, type, config, policy, constants }) => ({
      id,
      type,
      position: { x: 0, y: 0 },
      data: { config: config ?? {}, ...(policy ? { policy } : {}), ...(constants ? { constants } : {}) },
    })),
    edges: [...edges, ...exec].map((edge, at) => ({ id: `e${at}`, ...edge })),
  };
}

function chain(nodes: readonly Node[]) {
  return nodes.slice(1).map(({ id }, at) => ({
    source: nodes[at]?.id,
    target: id,
    sourceHandle: "exec-out",
    targetHandle: "exec-in",
  }));
}

const inputs = (names: string) => ({
  api_schema: Object.fromEntries(names.split(" ").map((name) => [name, { type: "list", required: true }])),
});
const threeSteps = flowOf(
  [
    { id: "start", type: "start", config: inputs("list") },
    { id: "a", type: "test_step" },
    { id: "b", type: "test_step" },
    { id: "c", type: "test_step" },
    { id: "ret", type: "return" },
  ],
  ["start.list > a.list", "a.list > b.list", "b.list > c.list", "c.list > ret.list"],
);

async function run(flow: unknown, given: Record<string, unknown> = {}, options: SubmitOptions = {}) {
  const { result } = await submitRun(nats.nc, { flow, inputs: given }, { timeoutMs: 50_000, ...options });
  return result;
}

/** A list whose JSON has about so many bytes. */
const listOf = (bytes: number) => Array.from({ length: Math.round(bytes / 103) }, () => "x".repeat(100));

describe("a large value", () => {
  test.each([2_000_000, 20_000_000])(
    "of %i bytes goes in, through three nodes and out, while the server dies",
    async (bytes) => {
      const given = listOf(bytes);
      let died = 0;
      beforeStep = async (node) => {
        if (node !== "b" || died++ > 0) return;
        await nats.server.kill();
        await nats.server.restart();
        await reconnected(nats.nc);
      };
      const result = await run(threeSteps, { list: given });
      beforeStep = async () => {};
      expect(result.error).toBeNull();
      expect(died).toBeGreaterThan(0);
      expect(result.result).toEqual({ list: [...given, "a", "b", "c"] });
    },
  );

  test("over the limit is refused before anything is sent", async () => {
    const submitting = run(threeSteps, { list: listOf(2_000_000) }, { maxValueBytes: 1_000_000 });
    await expect(submitting).rejects.toMatchObject({ code: "PayloadTooLarge" });
  });

  test("reaches a bare publisher as a reference, which any NATS client can follow", async () => {
    const inbox = "_INBOX.test.bare";
    const replies = nats.nc.subscribe(inbox);
    const head = headers();
    head.set("Rayflow-Reply", inbox);
    const flow = flowOf(
      [
        { id: "start", type: "start" },
        { id: "make", type: "test_range", constants: { count: 100_000 } },
        { id: "ret", type: "return" },
      ],
      ["make.list > ret.list"],
    );
    nats.nc.publish(subjects.submit(), encodeMessage({ flow }), { headers: head });
    let result: RunResult | undefined;
    for await (const reply of replies) {
      const event = reply.json<RunEvent>();
      if (event.kind !== "finished") continue;
      result = event.result;
      break;
    }
    const value = result?.result?.list;
    if (!isBlobReference(value)) throw new TypeError("no reference");
    const bytes = await (await new Objm(nats.nc).open(BUCKETS.blobs)).getBlob(value.$blob.id);
    expect(JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array()))).toHaveLength(100_000);
    expect(await new BlobStore(nats.nc).deleteRun(result?.run_id ?? "")).toBe(1);
  });

  test("too large for the answer of the request/reply service stays a reference in it", async () => {
    const connection = await nats.connect("service");
    await using _service = await startService(connection, { version: "1.0.0" });
    await connection.flush();
    const ask = async (count: number) => {
      const flow = flowOf(
        [
          { id: "start", type: "start" },
          { id: "make", type: "test_range", constants: { count } },
          { id: "ret", type: "return" },
        ],
        ["make.list > ret.list"],
      );
      const answer = await nats.nc.request(subjects.service("flow", "run"), encodeMessage({ flow }), {
        timeout: 30_000,
      });
      return answer.json<RunResult>().result?.list;
    };
    expect(await ask(60_000)).toHaveLength(60_000);
    expect(isBlobReference(await ask(300_000))).toBe(true);
  });

  test("of another run is not given to who writes its reference down", async () => {
    const msgId = "the-victim";
    await run(threeSteps, { list: ["secret", ...listOf(2_000_000)] }, { msgId, maxResultBytes: 0 }).then((result) => {
      const stolen = result.result?.list;
      expect(isBlobReference(stolen)).toBe(true);
      expect((stolen as { $blob: { id: string } }).$blob.id).toContain(runIdOf(msgId));
      const thief = flowOf(
        [
          { id: "start", type: "start" },
          { id: "measure", type: "test_measure" },
          { id: "ret", type: "return" },
        ],
        ["start.a > measure.a", "measure.kind > ret.kind", "start.a > ret.echo"],
      );
      return run(thief, { a: stolen }).then((got) => {
        expect(got.result).toEqual({ kind: "object", echo: stolen });
      });
    });
  });
});

describe("values that are small alone and too large together", () => {
  const names = ["a", "b", "c", "d", "e"];
  const five = flowOf(
    [
      { id: "start", type: "start" },
      ...names.map((name) => ({ id: `make_${name}`, type: "test_range", constants: { count: 40_000 } })),
      { id: "measure", type: "test_measure" },
      { id: "ret", type: "return" },
    ],
    [...names.map((name) => `make_${name}.list > measure.${name}`), "measure.bytes > ret.bytes"],
  );

  test("reach a node together", async () => {
    const result = await run(five);
    expect(result.error).toBeNull();
    expect(result.result?.bytes).toBeGreaterThan(1_100_000);
  });

  test("are submitted together", async () => {
    const given = Object.fromEntries(names.map((name) => [name, listOf(240_000)]));
    const flow = flowOf(
      [
        { id: "start", type: "start" },
        { id: "measure", type: "test_measure" },
        { id: "ret", type: "return" },
      ],
      [...names.map((name) => `start.${name} > measure.${name}`), "measure.bytes > ret.bytes"],
    );
    expect((await run(flow, given)).result).toEqual({ bytes: JSON.stringify(given).length });
  });
});

describe("loops and child runs", () => {
  test("a list that a loop runs over stays readable for it, up to what a message holds", async () => {
    const nodes: Node[] = [
      { id: "start", type: "start" },
      { id: "make", type: "test_range", constants: { count: 60_000 } },
      { id: "each", type: "control_for_each", config: { concurrency: 1 } },
      { id: "stop", type: "control_break" },
      { id: "ret", type: "return" },
    ];
    const exec = [
      { source: "start", target: "make", sourceHandle: "exec-out", targetHandle: "exec-in" },
      { source: "make", target: "each", sourceHandle: "exec-out", targetHandle: "exec-in" },
      { source: "each", target: "stop", sourceHandle: "exec-body", targetHandle: "exec-in" },
      { source: "each", target: "ret", sourceHandle: "exec-completed", targetHandle: "exec-in" },
    ];
    const result = await run(flowOf(nodes, ["make.list > each.list", "each.count > ret.count"], exec));
    expect(result.error).toBeNull();
  });

  test("a child run reads its parent's value, and the parent reads the child's", async () => {
    const child = flowOf(
      [
        { id: "start", type: "start" },
        { id: "inner", type: "test_step" },
        { id: "ret", type: "return" },
      ],
      ["start.list > inner.list", "inner.list > ret.list"],
    );
    const parent = flowOf(
      [
        { id: "start", type: "start", config: inputs("list") },
        { id: "sub", type: "control_subflow", config: { flow: child } },
        { id: "measure", type: "test_measure" },
        { id: "ret", type: "return" },
      ],
      ["start.list > sub.list", "sub.result > measure.a", "measure.bytes > ret.bytes", "sub.result > ret.all"],
    );
    const given = listOf(2_000_000);
    const result = await run(parent, { list: given });
    expect(result.error).toBeNull();
    expect(result.result).toEqual({
      bytes: JSON.stringify({ a: { list: [...given, "inner"] } }).length,
      all: { list: [...given, "inner"] },
    });
  });
});

describe("policy.cache", () => {
  test.each([
    ["an exec node", true],
    ["a pure node", false],
  ])("%s runs once for the same inputs, in whatever run", async (_, isExec) => {
    const nodes: Node[] = [
      { id: "start", type: "start" },
      { id: "measure", type: "test_measure", policy: { cache: { ttl: "1m" } } },
      { id: "ret", type: "return" },
    ];
    const exec = isExec ? chain(nodes) : chain(nodes.filter(({ id }) => id !== "measure"));
    const flow = flowOf(nodes, ["start.a > measure.a", "measure.bytes > ret.bytes"], exec);
    const before = measured;
    const value = isExec ? listOf(2_000_000) : ["small"];
    const results = [await run(flow, { a: value }), await run(flow, { a: value }), await run(flow, { a: [isExec] })];
    expect(results.map(({ result }) => result?.bytes)).toEqual([
      JSON.stringify({ a: value }).length,
      JSON.stringify({ a: value }).length,
      JSON.stringify({ a: [isExec] }).length,
    ]);
    expect(measured - before).toBe(2);
  });
});
