/** What a replay shows, case by case. */
import { expect, test } from "vitest";
import { fixtureTypes, flowBuilder } from "../../../flow/testing.ts";
import { type Answer, RunBench } from "../../../orchestrator/run/testing.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import { RunFrames } from "./replay.ts";
import { longLog } from "./testing-long-run.ts";
import { waterfallOf } from "./waterfall.ts";

function answer(bench: RunBench, node: string, what: Answer = {}, durationMs = 1): void {
  const work = bench.work.find(({ entry }) => entry.node === node);
  expect(work, `${node} has been asked for`).toBeDefined();
  if (work) bench.answer(work, what, durationMs);
}

function replayOf(bench: RunBench): { frames: RunFrames; cursor: FrameCursor } {
  const frames = new RunFrames("run1");
  for (const entry of bench.log) frames.append(entry);
  const cursor = frames.cursor();
  cursor.seek(Number.POSITIVE_INFINITY);
  return { frames, cursor };
}

const branching = flowBuilder()
  .node("start", "start")
  .node("is", "logic_branch", { constants: { condition: true } })
  .node("sum", "math_add", { constants: { x: 1, y: 2 } })
  .node("yes", "base_debug")
  .node("no", "base_debug")
  .node("return", "return")
  .exec("start", "is") // e0
  .exec("is.true", "yes") // e1
  .exec("is.false", "no") // e2
  .exec("yes", "return") // e3
  .exec("no", "return") // e4
  .data("sum.result", "yes.value") // e5
  .data("yes.value", "return.out") // e6
  .build();

test("a branch: nodes with their values, edges taken and dead, at every entry", () => {
  const bench = new RunBench(branching, { types: fixtureTypes });
  bench.now += 10;
  answer(bench, "is", { exec: ["true"] }, 4);
  bench.now += 10;
  answer(bench, "sum", { outputs: { result: 3 } }, 2);
  bench.now += 10;
  answer(bench, "yes", { outputs: { value: 3 } }, 5);
  const { frames, cursor } = replayOf(bench);
  expect(frames.frames.map(({ kind, summary, status }) => [kind, summary, status])).toEqual([
    ["submitted", "test submitted", "running"],
    ["result", "is answered", "running"],
    ["result", "sum answered", "running"],
    ["result", "yes answered", "succeeded"],
  ]);

  cursor.seek(0);
  expect(cursor.node("is")).toMatchObject({ state: "running", attempts: 1 });
  expect(cursor.node("yes")).toBeUndefined();
  expect([cursor.edge("e0")?.state, cursor.edge("e1")]).toEqual(["taken", undefined]);

  cursor.seek(1);
  expect(cursor.node("yes")?.state).toBe("ready");
  expect(cursor.node("sum")).toMatchObject({ state: "running", latest: { inputs: { x: 1, y: 2 }, consumer: "yes" } });
  expect(cursor.node("no")?.state).toBe("skipped");
  expect(["e1", "e2", "e4"].map((id) => cursor.edge(id)?.state)).toEqual(["taken", "dead", "dead"]);

  cursor.seek(3);
  expect(cursor.node("yes")).toMatchObject({
    state: "completed",
    seconds: 0.005,
    latest: { inputs: { value: 3 }, outputs: { value: 3 } },
  });
  expect(cursor.node("return")?.latest.inputs).toEqual({ out: 3 });
  expect(["e3", "e5", "e6"].map((id) => cursor.edge(id)?.state)).toEqual(["taken", "taken", "taken"]);
});

test("attempts are kept apart, each with its error, and the pause between them shows", () => {
  const retry = {
    max_attempts: 2,
    initial_interval: "1s",
    backoff: 2,
    max_interval: "60s",
    jitter: false,
    non_retryable: [],
  };
  const flow = flowBuilder()
    .node("start", "start")
    .node("call", "base_debug", { policy: { retry } })
    .node("return", "return")
    .chain("start", "call", "return")
    .build();
  const bench = new RunBench(flow, { types: fixtureTypes });
  bench.now += 100;
  answer(bench, "call", { error: { code: "Flaky" } }, 90);
  const between = replayOf(bench).cursor;
  expect(between.node("call")).toMatchObject({
    state: "waiting",
    latest: { waitsFor: "retry", error: { code: "Flaky" } },
  });
  expect(waterfallOf(between, 1_000_000, 1_000_600).bars.at(-1)).toMatchObject({
    node: "call",
    state: "waiting",
    queuedAt: 100,
    endedAt: undefined,
  });
  bench.fireNext();
  bench.now += 50;
  answer(bench, "call", {}, 40);
  const { cursor } = replayOf(bench);
  expect(cursor.node("call")).toMatchObject({ state: "completed", attempts: 2, seconds: 0.13 });
  expect(cursor.node("call")?.latest.attempts).toMatchObject([
    { number: 1, state: "failed", error: { code: "Flaky" }, workedMs: 90 },
    { number: 2, state: "completed", queuedMs: 1_001_100, endedMs: 1_001_150 },
  ]);
  const { bars, span } = waterfallOf(cursor, 1_000_000, 1_000_000);
  expect(bars.filter(({ node }) => node === "call").map(({ queuedAt, endedAt }) => [queuedAt, endedAt])).toEqual([
    [0, 100],
    [1100, 1150],
  ]);
  expect(span).toBe(1150);
});

test("a loop shows each iteration as a scope of its own, also after the engine has let go of it", () => {
  const flow = flowBuilder()
    .node("start", "start")
    .node("each", "control_for_each", { constants: { list: ["a", "b"] } })
    .node("show", "base_debug")
    .node("return", "return")
    .exec("start", "each")
    .exec("each.body", "show")
    .exec("each.completed", "return")
    .data("each.item", "show.value")
    .build();
  const bench = new RunBench(flow, { types: fixtureTypes });
  answer(bench, "show", { outputs: { value: 1 } });
  answer(bench, "show", { error: { code: "Broken", retryable: false } });
  const { cursor, frames } = replayOf(bench);
  expect(cursor.activations("show")).toMatchObject([
    { scope: "each[0]", state: "completed", inputs: { value: "a" }, outputs: { value: 1 } },
    { scope: "each[1]", state: "failed", inputs: { value: "b" }, error: { code: "Broken" } },
  ]);
  expect(cursor.node("show")).toMatchObject({
    state: "failed",
    activations: 2,
    counts: { completed: 1, failed: 1 },
  });
  expect(cursor.edge("e1")).toMatchObject({ state: "taken", taken: 2 });
  expect(frames.frames.at(-1)?.status).toBe("failed");
  cursor.seek(1);
  expect(cursor.node("each")?.state).toBe("running");
  expect(cursor.node("show")).toMatchObject({ state: "running", latest: { scope: "each[1]" } });
});

test("a node held at a breakpoint shows the inputs it is about to run with", () => {
  const bench = new RunBench(branching, { types: fixtureTypes, options: { breakpoints: ["yes"] } });
  answer(bench, "is", { exec: ["true"] });
  answer(bench, "sum", { outputs: { result: 3 } });
  const { frames, cursor } = replayOf(bench);
  expect(frames.frames.at(-1)).toMatchObject({
    status: "paused",
    held: [{ node: "yes", scope: "", inputs: { value: 3 } }],
  });
  expect(cursor.node("yes")).toMatchObject({ state: "held", latest: { inputs: { value: 3 } } });
  bench.append({ v: 1, kind: "control", run: "run1", action: "continue", id: "1" });
  const after = replayOf(bench);
  expect(after.cursor.node("yes")?.state).toBe("running");
  expect(after.cursor.held).toEqual([]);
});

test("an unchanged node keeps its frame, so that a view need not draw it again", () => {
  const bench = new RunBench(branching, { types: fixtureTypes });
  answer(bench, "is", { exec: ["true"] });
  answer(bench, "sum", { outputs: { result: 3 } });
  const { cursor } = replayOf(bench);
  cursor.seek(1);
  const [start, skipped] = [cursor.node("start"), cursor.node("no")];
  const { nodes } = cursor.seek(2);
  expect(nodes).toEqual(new Set(["sum", "yes"]));
  expect(cursor.node("start")).toBe(start);
  expect(cursor.node("no")).toBe(skipped);
});

test("a log that the fold cannot go on with is read to its end", () => {
  const bench = new RunBench(branching, { types: fixtureTypes });
  const frames = new RunFrames("run1");
  const [submitted] = bench.log;
  if (submitted?.kind !== "run" || submitted.message.kind !== "submitted") throw new Error("no submission");
  const message = { ...submitted.message, types: [] };
  frames.append({ ...submitted, message });
  expect(frames.broken?.code).toBe("GraphBuildError");
  const result = { run_id: "run1", success: false, status: "failed" as const };
  const finished = { v: 1 as const, kind: "finished" as const, run: "run1" };
  const statistics = {
    total_time: 0,
    nodes_executed: 0,
    nodes_failed: 0,
    nodes_skipped: 0,
    node_times: {},
    errors: [],
  };
  const whole = { ...result, return: null, status_code: null, result: null, error: null, statistics };
  frames.append({ seq: 9, timeMs: 1, kind: "run", message: { ...finished, result: whole } });
  expect(frames.result).toEqual(whole);
  expect(frames.frames.at(-1)?.status).toBe("failed");
});

test("ten thousand entries are folded, and crossed from end to end, without a stutter", () => {
  const log = longLog(10_000);
  expect(log.length).toBeGreaterThan(9_900);
  const frames = new RunFrames("run1");
  const folding = performance.now();
  for (const entry of log) frames.append(entry);
  const foldMs = performance.now() - folding;
  const cursor = frames.cursor();
  const crossing = performance.now();
  cursor.seek(Number.POSITIVE_INFINITY);
  cursor.seek(0);
  const crossMs = (performance.now() - crossing) / 2;
  console.info(`10 000 entries: folded in ${foldMs.toFixed(0)} ms, crossed in ${crossMs.toFixed(0)} ms`);
  // Generous, for a machine that has other things to do: usual are 300 ms and 20 ms.
  expect(foldMs).toBeLessThan(5_000);
  expect(crossMs).toBeLessThan(500);
});
