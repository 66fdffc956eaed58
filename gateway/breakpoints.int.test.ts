/** Runs that somebody debugs: with a real server, orchestrators and actors. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { encodeMessage } from "../nats/index.ts";
import { startService } from "./request-reply.ts";
import { submitRun } from "./run-client.ts";
import { runDescription } from "./run-views.ts";
import { eventually, withRuns } from "./testing-runs.ts";

const rig = withRuns();
beforeAll(rig.start, 60_000);
afterEach(rig.rest);
afterAll(rig.stop);

/** START → a → b → RETURN; b adds to what a gave, through a pure node. */
const flow = flowBuilder({ name: "debugged" })
  .node("start", "start", { config: { api_schema: { x: { type: "float", required: true } } } })
  .node("a", "math_add", { constants: { y: 1 } })
  .node("double", "math_multiply", { constants: { y: 2 } })
  .node("b", "math_add", { constants: { y: 100 } })
  .node("ret", "return")
  .chain("start", "a", "b", "ret")
  .data("start.x", "a.x")
  .data("a.result", "double.x")
  .data("double.result", "b.x")
  .data("b.result", "ret.sum")
  .build();

const heldAt = async (run: string, ...nodes: string[]) =>
  eventually(async () => {
    const described = await rig.directory.describe(run);
    expect(described.held.map(({ node }) => node)).toEqual(nodes);
    return described;
  });

test("a run is held at a breakpoint, shows what its node will run with, is stepped and goes on", async () => {
  await rig.orchestrate();
  const run = await rig.submit(flow, { x: 4 }, { breakpoints: ["b"] });
  const first = await heldAt(run, "b");
  expect(runDescription.parse(first)).toMatchObject({
    status: "paused",
    breakpoints: ["b"],
    held: [{ node: "b", scope: "", type: "math_add", attempt: 1, inputs: { x: 10, y: 100 } }],
    waits_for: [{ kind: "held", node: "b", scope: "" }],
  });
  expect(first.nodes.find(({ node }) => node === "b")?.state).toBe("held");
  expect(await rig.control.step(run)).toMatchObject({ run_id: run, action: "step" });
  expect((await heldAt(run, "ret")).held[0]?.inputs).toEqual({ sum: 110 });
  await rig.control.continue(run);
  expect(await rig.ended(run)).toMatchObject({ success: true, result: { sum: 110 } });
  const steps = [];
  for await (const step of rig.directory.events(run)) steps.push([step.kind, step.summary, step.status]);
  expect(steps.filter(([kind]) => kind === "control")).toEqual([
    ["control", "step", "running"],
    ["control", "continue", "succeeded"],
  ]);
});

test("a held run rests on the shelf, and goes on with another orchestrator", async () => {
  const one = await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
  const run = await rig.submit(flow, { x: 1 }, { breakpoints: ["a", "b"] });
  await heldAt(run, "a");
  await rig.control.continue(run);
  const before = await heldAt(run, "b");
  await eventually(async () => {
    expect((await rig.directory.log.bounds()).firstSeq).toBeGreaterThan(before.at.seq);
  });
  expect(one.activeRuns).toBe(1);
  const { held, nodes, breakpoints } = await rig.directory.describe(run);
  expect({ held, nodes, breakpoints }).toEqual({
    held: before.held,
    nodes: before.nodes,
    breakpoints: before.breakpoints,
  });
  await rig.rest();
  await rig.orchestrate();
  await rig.control.continue(run);
  expect(await rig.ended(run)).toMatchObject({ success: true, result: { sum: 104 } });
});

test("breakpoints are set and taken away while a run goes on, over request/reply too", async () => {
  await rig.orchestrate();
  const service = await startService(await rig.nats.connect("service"), { version: "1.0.0" });
  const ask = async (name: string, request: unknown): Promise<Record<string, unknown>> =>
    (await rig.nats.nc.request(`rayflow.svc.runs.${name}`, encodeMessage(request), { timeout: 10_000 })).json();
  try {
    const run = await rig.submit(flow, { x: 4 }, { breakpoints: ["start"] });
    expect((await heldAt(run, "start")).held).toMatchObject([{ inputs: { x: 4 } }]);
    expect(await ask("breakpoints", { run, nodes: ["b", "ret", "b"] })).toMatchObject({
      action: "breakpoints",
      nodes: ["b", "ret"],
    });
    expect((await heldAt(run, "start")).breakpoints).toEqual(["b", "ret"]);
    expect(await ask("continue", { run })).toMatchObject({ action: "continue" });
    await heldAt(run, "b");
    expect(await ask("step", { run })).toMatchObject({ action: "step" });
    await heldAt(run, "ret");
    for (const nodes of [["nobody"], ["double"]]) {
      expect(await ask("breakpoints", { run, nodes })).toMatchObject({ error: { code: "InvalidBreakpoint" } });
    }
    expect(await ask("breakpoints", { run, nodes: [] })).toMatchObject({ nodes: [] });
    await rig.control.resume(run);
    expect(await rig.ended(run)).toMatchObject({ success: true });
    expect(await ask("step", { run })).toMatchObject({ error: { code: "RunEnded" } });
    await expect(rig.control.breakpoints(run, ["b"])).rejects.toMatchObject({ code: "RunEnded" });
  } finally {
    await service.stop();
  }
});

test("a submission with a breakpoint where there is no node is refused", async () => {
  await rig.orchestrate();
  const request = { flow, inputs: { x: 4 }, options: { breakpoints: ["b", "nobody"] } };
  const submitted = await submitRun(rig.nats.nc, request, { timeoutMs: 20_000 });
  await expect(submitted.result).rejects.toMatchObject({ code: "InvalidBreakpoint", nodeId: "nobody" });
});

test("a held run is cancelled; a child run has no breakpoints of its parent's", async () => {
  await rig.orchestrate();
  const parent = flowBuilder({ name: "parent" })
    .node("start", "start")
    .node("sub", "control_subflow", { config: { flow }, constants: { x: 3 } })
    .node("ret", "return")
    .chain("start", "sub", "ret")
    .data("sub.result", "ret.got")
    .build();
  const run = await rig.submit(parent, {}, { breakpoints: ["start", "sub", "ret"] });
  await heldAt(run, "start");
  await rig.control.step(run);
  await heldAt(run, "sub");
  await rig.control.continue(run);
  expect((await heldAt(run, "ret")).held[0]?.inputs).toEqual({ got: { sum: 108 } });
  await rig.control.cancel(run, "seen enough");
  expect(await rig.ended(run)).toMatchObject({ status: "cancelled", error: { message: "seen enough" } });
});
