/** The whole loop on a real server: submission, log, dispatch, result, end. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import { type RunEvent, type RunResult, runIdOf, subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const nats = withServer();
let actor: Actor;
let orchestrator: Orchestrator;

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  actor = await startActor({ nc: await nats.connect("actor"), nodes, logger: pino({ level: "silent" }) });
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), topology: nats.topology });
}, 60_000);

afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop();
  await nats.stop();
});

/** Publishes as any NATS client would, and waits for the answer on an own subject. */
async function publish(message: unknown, msgId?: string): Promise<RunEvent[]> {
  const inbox = `_INBOX.test.${Math.random().toString(36).slice(2)}`;
  const replies = nats.nc.subscribe(inbox);
  const head = headers();
  head.set("Rayflow-Reply", inbox);
  if (msgId) head.set("Nats-Msg-Id", msgId);
  const payload = typeof message === "string" ? message : JSON.stringify(message);
  nats.nc.publish(subjects.submit(), payload, { headers: head });
  const events: RunEvent[] = [];
  for await (const reply of replies) {
    const event = reply.json<RunEvent>();
    events.push(event);
    if (event.kind === "finished" || event.kind === "refused") break;
  }
  return events;
}

async function run(flow: unknown, inputs: Record<string, unknown> = {}): Promise<RunResult> {
  const last = (await publish({ flow, inputs })).at(-1);
  if (last?.kind !== "finished") throw new Error(JSON.stringify(last));
  return last.result;
}

const folder = join(import.meta.dirname, "../examples/flows");

describe.each(readdirSync(folder).filter((name) => name.endsWith(".json")))("%s", (name) => {
  const file = JSON.parse(readFileSync(join(folder, name), "utf8"));
  for (const one of file.cases) {
    test(JSON.stringify(one.inputs ?? one.invalid), async () => {
      if (one.invalid) {
        const last = (await publish({ flow: file })).at(-1);
        expect(last).toMatchObject({ kind: "refused", error: { code: "InvalidFlow" } });
        const codes =
          last?.kind === "refused" ? (last.errors ?? []).map((error) => (error as { code: string }).code) : [];
        expect(new Set(codes)).toEqual(new Set(one.invalid));
        return;
      }
      const result = await run(file, one.inputs);
      if (one.error) return expect(result).toMatchObject({ success: false, error: { code: one.error } });
      expect(result.error).toBeNull();
      expect(result.return).toBe(one.return);
      if (one.status_code) expect(result.status_code).toBe(one.status_code);
      if (one.result) expect(result.result).toEqual(expect.objectContaining(one.result));
    });
  }
});

const sum = JSON.parse(readFileSync(join(folder, "sum.json"), "utf8")).flow;

describe("submissions", () => {
  test("a bare flow on the subject runs, and its statistics add up", async () => {
    const bare = { ...sum.flow, nodes: sum.flow.nodes.map((node: { id: string }) => node) };
    const events = await publish(bare);
    expect(events.map((event) => event.kind)).toEqual(["accepted", "finished"]);
    const result = await run(sum, { x: 1, y: 2 });
    expect(result.statistics).toMatchObject({ nodes_executed: 3, nodes_failed: 0, nodes_skipped: 0, errors: [] });
    expect(Object.keys(result.statistics.node_times).sort()).toEqual(["add", "ret", "start"]);
    expect(result.statistics.total_time).toBeGreaterThan(0);
  });

  test("one Nats-Msg-Id sent twice is one run", async () => {
    const id = "the-same";
    const [first] = await publish({ flow: sum, inputs: { x: 1, y: 1 } }, id);
    expect(first).toMatchObject({ run_id: runIdOf(id) });
    const events = nats.nc.subscribe(subjects.eventsOfRun(runIdOf(id)));
    const head = headers();
    head.set("Nats-Msg-Id", id);
    const ack = await nats.nc.request(subjects.submit(), JSON.stringify({ flow: sum, inputs: { x: 1, y: 1 } }), {
      headers: head,
      timeout: 5000,
    });
    expect(ack.json()).toMatchObject({ duplicate: true });
    await run(sum, { x: 3, y: 4 });
    events.unsubscribe();
    let seen = 0;
    for await (const _ of events) seen++;
    expect(seen).toBe(0);
  });

  test.each([
    ["no JSON", "{ this is not json"],
    ["JSON that is no object", "42"],
    ["neither a flow nor an envelope", { hello: "world" }],
    ["an envelope with two flows", { flow: sum, flowRef: "sum" }],
    ["inputs that are no object", { flow: sum, inputs: [1, 2] }],
  ])("a malformed message is refused with its reason: %s", async (_, message) => {
    const [only] = await publish(message);
    expect(only).toMatchObject({ kind: "refused", error: { code: "MalformedMessage" } });
  });

  test("refused messages are counted and never come back", async () => {
    expect(orchestrator.refusals.total).toBeGreaterThanOrEqual(5);
    const before = orchestrator.refusals.total;
    await run(sum, { x: 1, y: 1 });
    expect(orchestrator.refusals.total).toBe(before);
  });
});
