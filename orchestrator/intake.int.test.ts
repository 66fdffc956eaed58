/** Runs of deployed flows, on a real server with two orchestrators. */
import { headers } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import type { NodeType } from "../flow/index.ts";
import { type RunEvent, type RunResult, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { FlowRegistry, RunLog } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const nats = withServer();
let actor: Actor;
let orchestrators: Orchestrator[];
let registry: FlowRegistry;
let types: Map<string, NodeType>;

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  types = new Map([...nodes].map(([type, { nodeType }]) => [type, nodeType]));
  registry = await FlowRegistry.open(nats.nc);
  actor = await startActor({ nc: await nats.connect("actor"), nodes, logger: pino({ level: "silent" }) });
  const { topology } = nats;
  orchestrators = await Promise.all(
    ["one", "two"].map(async (id) => startOrchestrator({ nc: await nats.connect(id), id, topology })),
  );
}, 60_000);

afterAll(async () => {
  await Promise.all(orchestrators.map((one) => one.stop()));
  await actor?.stop();
  await nats.stop();
});

/** Answers with its inputs and a constant. */
function flow(name: string, answer: number, more: object = {}) {
  return {
    name,
    nodes: [
      { id: "s", type: "start", config: { api_schema: { x: { type: "any", default: "none" } } } },
      { id: "r", type: "return", constants: { answer } },
    ],
    edges: [
      { id: "e", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
      { id: "x", source: "s", target: "r", sourceHandle: "output-x", targetHandle: "input-x" },
    ],
    ...more,
  };
}

async function publish(subject: string, body: string): Promise<RunEvent> {
  const inbox = `_INBOX.test.${Math.random().toString(36).slice(2)}`;
  const replies = nats.nc.subscribe(inbox);
  const head = headers();
  head.set("Rayflow-Reply", inbox);
  nats.nc.publish(subject, body, { headers: head });
  for await (const reply of replies) {
    const event = reply.json<RunEvent>();
    if (event.kind === "finished" || event.kind === "refused") return event;
  }
  throw new Error("no answer");
}

async function run(subject: string, body: unknown = ""): Promise<RunResult> {
  const last = await publish(subject, typeof body === "string" ? body : JSON.stringify(body));
  if (last.kind !== "finished") throw new Error(JSON.stringify(last));
  return last.result;
}

describe("a deployed flow", () => {
  test.each([
    ["the inputs", { x: 7 }, 7],
    ["an envelope", { inputs: { x: 8 }, options: { events: false } }, 8],
    ["an envelope without options", { inputs: { x: 9 } }, 9],
    ["inputs of which one is called inputs", { inputs: {}, x: 10 }, 10],
    ["nothing", "", "none"],
  ])("runs by its name with %s", async (_, body, x) => {
    await registry.deploy(flow("named", 1), { types });
    expect((await run(subjects.submitTo("named"), body)).result).toMatchObject({ x, answer: 1 });
  });

  test("runs by a reference in an envelope, pinned to a version", async () => {
    const one = await registry.deploy(flow("pinned", 1, { version: "1.0" }), { types });
    const two = await registry.deploy(flow("pinned", 2), { types });
    const answers: unknown[] = [];
    const [first, second] = [one.deployed.version, two.deployed.version];
    for (const ref of ["pinned@1.0", `pinned@${first.slice(0, 7)}`, `pinned@${second}`]) {
      const { result } = await run(subjects.submit(), { flowRef: ref });
      answers.push(result?.answer);
    }
    expect(answers).toEqual([1, 1, 2]);
    expect((await run(`rayflow.flow.run.pinned@${first.slice(0, 9)}`)).result).toMatchObject({ answer: 1 });
  });

  test("the run's history says which version it was", async () => {
    const { deployed } = await registry.deploy(flow("shown", 1, { version: "3.1" }), { types });
    const { run_id } = await run(subjects.submitTo("shown"));
    const log = await RunLog.open(nats.nc, nats.topology.partitions);
    await eventually(async () => (await log.readHistory(run_id)) !== undefined, "the history has it");
    expect((await log.readHistory(run_id))?.version).toBe(`3.1@${deployed.version.slice(0, 12)}`);
  });

  test("a new version counts as soon as the orchestrators have seen it", async () => {
    await registry.deploy(flow("moving", 1), { types });
    expect((await run(subjects.submitTo("moving"))).result).toMatchObject({ answer: 1 });
    await registry.deploy(flow("moving", 2), { types });
    await eventually(
      async () => (await run(subjects.submitTo("moving"))).result?.answer === 2,
      "both orchestrators run the new one",
    );
  });
});

describe("what is refused", () => {
  test.each([
    [subjects.submitTo("nobody"), "{}"],
    [subjects.submit(), '{"flowRef": "nobody"}'],
    [subjects.submit(), '{"flowRef": "named@7.7"}'],
    [subjects.submit(), '{"flowRef": "no/name"}'],
  ])("%s %s", async (subject, body) => {
    expect(await publish(subject, body)).toMatchObject({ kind: "refused", error: { code: "FlowNotFound" } });
  });

  test("an unknown name comes with the nearest one", async () => {
    await registry.deploy(flow("orders_daily", 1), { types });
    const refused = await publish(subjects.submitTo("order_daily"), "");
    expect(refused).toMatchObject({ error: { message: expect.stringContaining('did you mean "orders_daily"') } });
  });

  test("a deleted flow", async () => {
    await registry.deploy(flow("deleted", 1), { types });
    await registry.delete("deleted");
    const refused = async () => (await publish(subjects.submitTo("deleted"), "")).kind === "refused";
    await eventually(refused, "it is refused");
  });

  test.each(["[1]", "42", "{", '{"__proto__": 1}'])("inputs that are none: %s", async (body) => {
    const answer = await publish(subjects.submitTo("named"), body);
    expect(answer).toMatchObject({ kind: "refused", error: { code: "MalformedMessage" } });
  });

  test("a deployed flow whose node type is gone", async () => {
    const gone: NodeType = { ...(types.get("math_add") as NodeType), type: "test_gone" };
    const nodes = [...flow("x", 1).nodes, { id: "g", type: "test_gone", constants: { x: 1, y: 1 } }];
    const edges = [
      { id: "a", source: "s", target: "g", sourceHandle: "exec-out", targetHandle: "exec-in" },
      { id: "b", source: "g", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
    ];
    const json = { name: "stale", nodes, edges };
    await registry.deploy(json, { types: new Map([...types, ["test_gone", gone]]) });
    const answer = await publish(subjects.submitTo("stale"), "");
    expect(answer).toMatchObject({ kind: "refused", error: { code: "InvalidFlow" } });
  });
});
