/** Runs that outlive what drives them: restarts, rest on the shelf, trimmed logs, children, cancelled code. */
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Actor, defineNode, loadNodes, startActor } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { partitionOf, type RunMessage, type RunResult, runIdOf, subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { type Orchestrator, type OrchestratorOptions, startOrchestrator } from "./orchestrator.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
const started: { calls: Map<string, number>; aborted: string[] } = { calls: new Map(), aborted: [] };
let actor: Actor;
let log: RunLog;
const orchestrators: Orchestrator[] = [];

/** Waits until its run is cancelled. */
const hang = defineNode({
  type: "test_hang",
  title: "Hang",
  category: "test",
  async run({ ctx }) {
    started.calls.set(ctx.runId, (started.calls.get(ctx.runId) ?? 0) + 1);
    await new Promise((_, reject) => {
      ctx.signal.addEventListener("abort", () => {
        started.aborted.push(ctx.runId);
        reject(new Error("aborted"));
      });
    });
    return {};
  },
});

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  const all = new Map([...nodes, ["test_hang", hang]]);
  actor = await startActor({ nc: await nats.connect("actor"), nodes: all, logger: pino({ level: "silent" }) });
  log = await RunLog.open(nats.nc);
}, 60_000);

afterEach(async () => {
  await Promise.all(orchestrators.splice(0).map((one) => one.stop()));
});

afterAll(async () => {
  await actor?.stop({ drainMs: 0 });
  await nats.stop();
});

async function orchestrate(options: Partial<OrchestratorOptions> = {}): Promise<Orchestrator> {
  const made = await startOrchestrator({ nc: await nats.connect("orchestrator"), ...options });
  orchestrators.push(made);
  return made;
}

let count = 0;
async function submit(flow: unknown, inputs: Record<string, unknown> = {}): Promise<string> {
  const msgID = `durability-${count++}`;
  const { jetstream } = await import("@nats-io/jetstream");
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow, inputs }), { msgID });
  return runIdOf(msgID);
}

const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 30_000, interval: 20 });

const ended = (run: string): Promise<RunResult> =>
  eventually(async () => (await log.finishedResult(run)) ?? Promise.reject(new Error(`${run} has not ended`)));

const tell = (message: RunMessage, id: string): Promise<number> => log.append(message, { msgId: id });

const sleeper = (seconds: number) =>
  flowBuilder()
    .node("start", "start")
    .node("a", "variables_set", { config: { variable_name: "v" }, constants: { value: 1 } })
    .node("nap", "control_sleep", { constants: { seconds } })
    .node("b", "variables_get", { config: { variable_name: "v" } })
    .node("ret", "return")
    .chain("start", "a", "nap", "b", "ret")
    .data("b.value", "ret.v")
    .build();

describe("an orchestrator that goes", () => {
  test("in the middle of a run leaves it to the next one", async () => {
    const first = await orchestrate();
    const run = await submit(sleeper(2));
    await eventually(() => expect(first.activeRuns).toBe(1));
    await first.stop();
    const second = await orchestrate();
    expect(await ended(run)).toMatchObject({ success: true, result: { v: 1 } });
    await eventually(() => expect(second.activeRuns).toBe(0));
  });

  test("shares the partitions with another one, which takes over what it held", async () => {
    const [a, b] = [await orchestrate(), await orchestrate()];
    await eventually(() => expect([a.partitions.length, b.partitions.length]).toEqual([4, 4]));
    const runs = await Promise.all(Array.from({ length: 20 }, () => submit(sleeper(1))));
    await a.stop();
    for (const run of runs) expect(await ended(run)).toMatchObject({ success: true });
    expect(b.partitions.length).toBe(8);
  });
});

describe("a run at rest", () => {
  test("leaves memory, and comes back when its timer fires", async () => {
    const one = await orchestrate({ restAfterMs: 50 });
    const run = await submit(sleeper(2));
    await eventually(() => expect([one.activeRuns, one.runsInMemory]).toEqual([1, 0]));
    expect(await ended(run)).toMatchObject({ success: true, result: { v: 1 } });
    const record = await eventually(
      async () => (await log.readHistory(run)) ?? Promise.reject(new Error("no history")),
    );
    expect(record.entries.map((entry) => entry.kind)).toEqual(["run", "result", "run", "result", "run"]);
  });

  test("takes a signal after a restart, and an early signal is kept", async () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("nap", "control_sleep", { constants: { seconds: 1 } })
      .node("one", "control_wait_signal", { config: { signal: "go" } })
      .node("two", "control_wait_signal", { config: { signal: "go" } })
      .node("ret", "return")
      .chain("start", "nap", "one", "two", "ret")
      .data("one.payload", "ret.one")
      .data("two.payload", "ret.two")
      .build();
    const first = await orchestrate({ restAfterMs: 50 });
    const run = await submit(flow);
    await eventually(() => expect(first.activeRuns).toBe(1));
    await tell({ v: 1, kind: "signal", run, signal: "go", payload: "early", id: "s1" }, `${run}:s1`);
    await first.stop();
    await orchestrate({ restAfterMs: 50 });
    await tell({ v: 1, kind: "signal", run, signal: "go", payload: "late", id: "s2" }, `${run}:s2`);
    expect(await ended(run)).toMatchObject({ success: true, result: { one: "early", two: "late" } });
  });

  test("does not hold back the log: what is finished or at rest is cut off", async () => {
    const one = await orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
    const resting = await submit(sleeper(5));
    const runs = await Promise.all(Array.from({ length: 10 }, () => submit(sleeper(0))));
    for (const run of runs) await ended(run);
    await eventually(async () => expect((await log.bounds()).firstSeq).toBeGreaterThan(await log.lastSeq()));
    expect(one.activeRuns).toBe(1);
    expect(await ended(resting)).toMatchObject({ success: true, result: { v: 1 } });
    await eventually(async () => expect((await log.readHistory(resting))?.entries).toHaveLength(5));
    expect(await log.finishedResult(runs[0] ?? "")).toMatchObject({ success: true });
  });
});

describe("child runs", () => {
  const child = (body: "ok" | "fail" | "hang") => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("ret", "return", { config: { status_code: 201 } });
    if (body === "fail") flow.node("x", "control_fail", { constants: { message: "no", code: "Nope" } });
    else if (body === "hang") flow.node("x", "test_hang");
    else flow.node("x", "base_debug", { constants: { value: 7 } }).data("x.value", "ret.seven");
    return flow.chain("start", "x", "ret").build();
  };
  const parent = (body: "ok" | "fail" | "hang") =>
    flowBuilder()
      .node("start", "start")
      .node("sub", "control_subflow", { config: { flow: child(body) } })
      .node("ret", "return")
      .chain("start", "sub", "ret")
      .data("sub.result", "ret.child")
      .data("sub.status_code", "ret.code")
      .build();

  test("give their result to the node that waits", async () => {
    await orchestrate();
    expect(await ended(await submit(parent("ok")))).toMatchObject({
      success: true,
      result: { child: { seven: 7 }, code: 201 },
    });
  });

  test("give their error to the node that waits", async () => {
    await orchestrate();
    expect(await ended(await submit(parent("fail")))).toMatchObject({
      success: false,
      error: { code: "Nope", node_id: "sub" },
    });
  });

  test("are cancelled with the run that waits, down to their running code", async () => {
    await orchestrate();
    const run = await submit(parent("hang"));
    const childRun = runIdOf(`${run}:sub@#1`);
    await eventually(() => expect(started.calls.get(childRun)).toBe(1));
    await tell({ v: 1, kind: "control", run, action: "cancel" }, `${run}:c`);
    expect(await ended(run)).toMatchObject({ status: "cancelled" });
    expect(await ended(childRun)).toMatchObject({ status: "cancelled" });
    await eventually(() => expect(started.aborted).toContain(childRun));
  });
});

describe("a run again", () => {
  const flow = flowBuilder()
    .node("start", "start", { config: { api_schema: { n: { type: "int", required: true } } } })
    .node("set", "variables_set", { config: { variable_name: "v" } })
    .node("mid", "math_add", { constants: { y: 1 } })
    .node("bad", "math_divide", { constants: { x: 10 } })
    .node("get", "variables_get", { config: { variable_name: "v" } })
    .node("ret", "return")
    .chain("start", "set", "mid", "bad", "get", "ret")
    .data("start.n", "set.value")
    .data("start.n", "mid.x")
    .data("start.n", "bad.y")
    .data("bad.result", "ret.quotient")
    .data("mid.result", "ret.mid")
    .data("get.value", "ret.v")
    .build();

  test("from its failed node, with edited inputs, takes over what was before it", async () => {
    await orchestrate();
    const run = await submit(flow, { n: 0 });
    expect(await ended(run)).toMatchObject({ success: false, error: { code: "DivideByZero" } });
    const same = await resubmit({ run });
    expect(await ended(same)).toMatchObject({ success: false, error: { code: "DivideByZero" } });
    const mended = await resubmit({ run, from: "bad", inputs: { y: 5 } });
    const result = await ended(mended);
    expect(result).toMatchObject({ success: true, result: { quotient: 2, mid: 1, v: 0 } });
    const record = await eventually(async () => (await log.readHistory(mended)) ?? Promise.reject(new Error("none")));
    const executed = record.entries.flatMap((entry) =>
      entry.kind === "result" ? entry.message.results.map((one) => one.id) : [],
    );
    expect(executed.map((id) => id.split(":")[1])).toEqual(["bad@#1", "get@#1"]);
  });

  test("is refused when there is no such run or node", async () => {
    await orchestrate();
    const inbox = nats.nc.subscribe("test.rerun");
    const { headers } = await import("@nats-io/transport-node");
    const head = headers();
    head.set("Rayflow-Reply", "test.rerun");
    nats.nc.publish(subjects.submit(), JSON.stringify({ rerun: { run: "nobody" } }), { headers: head });
    for await (const reply of inbox) {
      expect(reply.json()).toMatchObject({ kind: "refused", error: { code: "RunNotFound" } });
      break;
    }
  });

  async function resubmit(rerun: object): Promise<string> {
    const msgID = `durability-${count++}`;
    const { jetstream } = await import("@nats-io/jetstream");
    await eventually(
      async () => (await log.readHistory((rerun as { run: string }).run)) ?? Promise.reject(new Error("no history")),
    );
    await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ rerun }), { msgID });
    return runIdOf(msgID);
  }
});

test("partitions of runs spread", () => {
  const used = new Set(Array.from({ length: 200 }, (_, at) => partitionOf(runIdOf(`x${at}`), 8)));
  expect(used.size).toBe(8);
});
