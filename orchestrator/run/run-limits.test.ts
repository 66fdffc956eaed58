/** What a run may take: each limit stops it, and says which it was. */
import { describe, expect, test } from "vitest";
import type { Flow } from "../../flow/index.ts";
import { fixtureTypes, flowBuilder, nodeTypeFixture } from "../../flow/testing.ts";
import { Run } from "./fold.ts";
import { RunBench } from "./testing.ts";

const types = new Map([
  ...fixtureTypes,
  [
    "control_subflow",
    nodeTypeFixture("control_subflow", { kind: "subflow", openInputs: true, outputs: { result: "dict" } }),
  ],
  ["control_sleep", nodeTypeFixture("control_sleep", { kind: "sleep", inputs: { seconds: "float" } })],
]);
const bench = (flow: Flow, limits: Record<string, number>): RunBench => new RunBench(flow, { types, limits });

/** Answers whatever is asked until the run has ended, so often at most. */
function runOut(on: RunBench, most = 100): void {
  for (let n = 0; n < most && !on.result; n++) {
    const [work] = on.work;
    if (work) on.answer(work, { outputs: { value: 1 } });
    else if (!on.fireNext()) return;
  }
}

const stoppedBy = (limit: string, max: number) => ({
  success: false,
  error: { code: "LimitExceeded", retryable: false, details: { limit, max } },
});

const each = (concurrency: number, count: number) =>
  flowBuilder()
    .node("start", "start")
    .node("each", "control_for_each", {
      config: { concurrency, on_item_error: "skip" },
      constants: { list: Array.from({ length: count }, (_, at) => at) },
    })
    .node("a", "base_debug", { policy: { on_error: "continue" } })
    .node("ret", "return")
    .exec("start", "each")
    .exec("each.body", "a")
    .exec("each.completed", "ret")
    .data("each.item", "a.value")
    .build();

const chain = (type: string, more: Record<string, unknown> = {}) =>
  flowBuilder().node("start", "start").node("x", type, more).node("ret", "return").chain("start", "x", "ret").build();

describe("a run is stopped", () => {
  test("at its last execution, whatever its nodes make of errors", () => {
    const on = bench(each(1, 10), { executions: 3 });
    runOut(on);
    expect(on.result).toMatchObject(stoppedBy("executions", 3));
    expect(on.result?.error?.message).toMatch(/at a: more than 3 attempts.*--limit executions=/);
    expect(on.result?.statistics.nodes_executed).toBe(3 + 1);
  });

  test("at its last iteration, of all loops together", () => {
    const on = bench(each(1, 10), { iterations: 4 });
    runOut(on);
    expect(on.result).toMatchObject(stoppedBy("iterations", 4));
  });

  test("at its last child run, and before one too deep", () => {
    const sub = chain("control_subflow", { config: { flow: "other" } });
    expect(bench(sub, { child_runs: 0 }).result).toMatchObject(stoppedBy("child_runs", 0));
    expect(bench(sub, { subflow_depth: 0 }).result).toMatchObject({ error: { code: "SubflowDepthExceeded" } });
    expect(bench(sub, {}).children).toHaveLength(1);
  });

  test("when too much is under way at once", () => {
    expect(bench(each(5, 10), { in_flight: 4 }).result).toMatchObject(stoppedBy("in_flight", 4));
  });

  test("by a timer too many or too long", () => {
    const sleep = chain("control_sleep", { constants: { seconds: 61 } });
    expect(bench(sleep, { timers: 0 }).result).toMatchObject(stoppedBy("timers", 0));
    expect(bench(sleep, { timer_seconds: 60 }).result).toMatchObject(stoppedBy("timer_seconds", 60));
    expect(bench(sleep, { timer_seconds: 61 }).result).toBeUndefined();
  });

  test("when its time is over, and not when it has ended before", () => {
    const long = bench(chain("base_debug", { constants: { value: 1 } }), { run_seconds: 60 });
    expect([...long.timers.values()]).toEqual([long.now + 60_000]);
    long.fireNext();
    expect(long.result).toMatchObject(stoppedBy("run_seconds", 60));
    const short = bench(chain("base_debug", { constants: { value: 1 } }), { run_seconds: 60 });
    runOut(short, 1);
    expect(short.result?.success).toBe(true);
    expect(short.timers.size).toBe(0);
  });

  test("by signals that nobody waits for, and by messages without end", () => {
    const flow = chain("base_debug", { constants: { value: 1 } });
    const flooded = bench(flow, { signals: 2 });
    const send = (on: RunBench, n: number): void =>
      on.append({ v: 1, kind: "signal", run: on.run.id, signal: `s${n}`, payload: n, id: `i${n}` });
    for (let n = 0; n < 2; n++) send(flooded, n);
    expect(flooded.result).toBeUndefined();
    send(flooded, 2);
    expect(flooded.result).toMatchObject(stoppedBy("signals", 2));
    const busy = bench(flow, { log_entries: 5 });
    for (let n = 0; n < 6; n++) send(busy, n);
    expect(busy.result).toMatchObject(stoppedBy("log_entries", 5));
  });
});

test("a loop that may not open more iterations goes on with those it has, and gives the same", () => {
  const on = bench(each(10, 10), { open_iterations: 3 });
  expect(on.work).toHaveLength(3);
  runOut(on);
  expect(on.result?.success).toBe(true);
  expect(on.result?.statistics.nodes_executed).toBeGreaterThanOrEqual(10);
});

test("what a run has used outlives its rest", () => {
  const flow = each(1, 10);
  const on = bench(flow, { executions: 3 });
  for (let n = 0; n < 2; n++) on.answer(on.work[0] as (typeof on.work)[0], { outputs: { value: 1 } });
  const snapshot = JSON.parse(JSON.stringify(on.run.snapshot()));
  const [first] = on.log;
  if (first?.kind !== "run" || first.message.kind !== "submitted") throw new Error("no submission");
  const again = Run.resume(snapshot, first.message.flow, first.message.types);
  expect(again.details.used).toMatchObject({ executions: 3, iterations: 3, log_entries: 2 });
  expect(again.details.limits.executions).toBe(3);
});
