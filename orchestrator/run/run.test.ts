/** What happens next, rule by rule (DESIGN §4): a flow, some answers, what follows. */
import { describe, expect, test } from "vitest";
import type { Flow } from "../../flow/index.ts";
import { fixtureTypes, flowBuilder } from "../../flow/testing.ts";
import type { RunOptions } from "../../nats/messages.ts";
import { type Answer, RunBench } from "./testing.ts";

function bench(flow: Flow, inputs: Record<string, unknown> = {}, options: RunOptions = {}): RunBench {
  return new RunBench(flow, { types: fixtureTypes, inputs, options });
}

/** Answers the oldest open work of a node. */
function answer(on: RunBench, node: string, what: Answer = {}): void {
  const work = on.work.find(({ entry }) => entry.node === node);
  expect(work, `${node} has been asked for`).toBeDefined();
  if (work) on.answer(work, what);
}

const asked = (on: RunBench): string[] =>
  on.work.map(({ entry }) => (entry.scope ? `${entry.node}@${entry.scope}` : entry.node));
const step = (flow: ReturnType<typeof flowBuilder>, ...ids: string[]): typeof flow => {
  for (const id of ids) flow.node(id, "base_debug");
  return flow;
};

describe("exec edges", () => {
  test("a join after a fan-out waits for every branch", () => {
    const flow = step(flowBuilder().node("start", "start"), "a", "b").node("ret", "return");
    flow.exec("start", "a", "b").exec("a", "ret").exec("b", "ret");
    const on = bench(flow.build());
    expect(asked(on)).toEqual(["a", "b"]);
    answer(on, "b");
    expect(on.result).toBeUndefined();
    answer(on, "a");
    expect(on.result).toMatchObject({ success: true, return: "ret", status_code: 200 });
  });

  test("a join after a branch runs when the taken side has come", () => {
    const flow = step(flowBuilder().node("start", "start"), "yes", "no").node("br", "logic_branch", {
      constants: { condition: true },
    });
    flow
      .node("ret", "return")
      .exec("start", "br")
      .exec("br.true", "yes")
      .exec("br.false", "no")
      .exec("yes", "ret")
      .exec("no", "ret");
    const on = bench(flow.build());
    answer(on, "br", { exec: ["true"] });
    expect(asked(on)).toEqual(["yes"]);
    answer(on, "yes");
    expect(on.result?.statistics).toMatchObject({ nodes_executed: 4, nodes_skipped: 1, nodes_failed: 0 });
  });

  test("a slow branch never holds back a fast one", () => {
    const flow = step(flowBuilder().node("start", "start"), "slow", "a", "b").node("ret", "return");
    flow.exec("start", "slow", "a").chain("a", "b").exec("slow", "ret").exec("b", "ret");
    const on = bench(flow.build());
    answer(on, "a");
    expect(asked(on)).toEqual(["slow", "b"]);
  });

  test("deadness runs down a chain of ten thousand nodes", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("br", "logic_branch", { constants: { condition: false } })
      .node("ret", "return");
    const chain = Array.from({ length: 9_990 }, (_, at) => `n${at}`);
    step(flow, ...chain)
      .exec("start", "br")
      .exec("br.true", "n0")
      .chain(...chain, "ret")
      .exec("br.false", "ret");
    const on = bench(flow.build());
    answer(on, "br", { exec: ["false"] });
    expect(on.result?.statistics.nodes_skipped).toBe(9_990);
  });

  test("a run in which no RETURN was reached fails with NoReturnReached", () => {
    const flow = step(flowBuilder().node("start", "start"), "a")
      .node("br", "logic_branch", { constants: { condition: true } })
      .node("ret", "return");
    flow.exec("start", "br").exec("br.true", "a").exec("br.false", "ret");
    const on = bench(flow.build());
    answer(on, "br", { exec: ["true"] });
    answer(on, "a");
    expect(on.result).toMatchObject({ success: false, status: "failed", error: { code: "NoReturnReached" } });
  });

  test("an exec output that the type does not have fails the node", () => {
    const flow = step(flowBuilder().node("start", "start"), "a").node("ret", "return").chain("start", "a", "ret");
    const on = bench(flow.build());
    answer(on, "a", { exec: ["sideways"] });
    expect(on.result?.error).toMatchObject({ code: "ValidationError", node_id: "a" });
  });
});

describe("data", () => {
  test("a node waits for the exec nodes that feed it", () => {
    const flow = step(flowBuilder().node("start", "start"), "a", "b").node("ret", "return");
    flow.exec("start", "a", "b").data("a.value", "b.value").exec("b", "ret");
    const on = bench(flow.build());
    expect(asked(on)).toEqual(["a"]);
    answer(on, "a", { outputs: { value: 7 } });
    expect(on.work[0]?.entry.inputs).toEqual({ value: 7 });
  });

  test("null is a value and not a missing one", () => {
    const flow = step(flowBuilder().node("start", "start"), "a")
      .node("b", "variables_set", { config: { variable_name: "x" } })
      .node("ret", "return");
    flow.chain("start", "a", "b", "ret").data("a.value", "b.value");
    const on = bench(flow.build());
    answer(on, "a", { outputs: { value: null } });
    expect(on.work[0]?.entry.inputs).toEqual({ value: null });
  });

  test("a required input whose source was skipped is DataNotAvailable", () => {
    const flow = step(flowBuilder().node("start", "start"), "a").node("br", "logic_branch", {
      constants: { condition: true },
    });
    flow.node("b", "variables_set", { config: { variable_name: "x" } }).node("ret", "return");
    flow
      .exec("start", "br")
      .exec("br.true", "a")
      .exec("br.false", "b")
      .exec("a", "b")
      .exec("b", "ret")
      .data("a.value", "b.value");
    const on = bench(flow.build());
    answer(on, "br", { exec: ["false"] });
    expect(on.result?.error).toMatchObject({ code: "DataNotAvailable", node_id: "b" });
    expect(on.result?.error?.message).toContain("a.value");
  });

  test("a RETURN leaves out what was skipped, through pure nodes too", () => {
    const flow = step(flowBuilder().node("start", "start"), "a").node("br", "logic_branch", {
      constants: { condition: true },
    });
    flow.node("up", "string_upper").node("ret", "return");
    flow.exec("start", "br").exec("br.true", "a").exec("br.false", "ret").exec("a", "ret");
    flow.data("a.value", "up.text").data("up.result", "ret.shout").data("a.value", "ret.plain");
    const on = bench(flow.build());
    answer(on, "br", { exec: ["false"] });
    expect(on.result?.result).toEqual({});
  });

  test("a pure node is evaluated once per consumer, independent ones at the same time", () => {
    const flow = flowBuilder().node("start", "start", {
      config: { api_schema: { x: { type: "float", required: true } } },
    });
    flow
      .node("p", "math_add", { constants: { y: 1 } })
      .node("q", "math_add", { constants: { y: 2 } })
      .node("sum", "math_add")
      .node("ret", "return");
    flow
      .exec("start", "ret")
      .data("start.x", "p.x")
      .data("start.x", "q.x")
      .data("p.result", "sum.x")
      .data("q.result", "sum.y")
      .data("sum.result", "ret.sum")
      .data("p.result", "ret.p");
    const on = bench(flow.build(), { x: 1 });
    expect(asked(on).sort()).toEqual(["p", "q"]);
    answer(on, "p", { outputs: { result: 2 } });
    expect(asked(on)).toEqual(["q"]);
    answer(on, "q", { outputs: { result: 3 } });
    expect(asked(on)).toEqual(["sum"]);
    answer(on, "sum", { outputs: { result: 5 } });
    expect(on.result?.result).toEqual({ sum: 5, p: 2 });
  });

  test("a failing pure node fails its consumer and is named", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("p", "math_divide", { constants: { x: 1, y: 0 } })
      .node("a", "base_debug")
      .node("ret", "return");
    flow.chain("start", "a", "ret").data("p.result", "a.value");
    const on = bench(flow.build());
    answer(on, "p", { error: { code: "DivideByZero", message: "cannot divide by zero", retryable: false } });
    expect(on.result?.error).toMatchObject({ code: "DivideByZero", node_id: "p" });
    expect(on.result?.error?.message).toBe("p, which a reads: cannot divide by zero");
  });

  test("inputs that break api_schema fail the run at START", () => {
    const flow = flowBuilder()
      .node("start", "start", { config: { api_schema: { x: { type: "int", required: true } } } })
      .node("ret", "return")
      .exec("start", "ret");
    expect(bench(flow.build(), { x: "five" }).result).toMatchObject({
      success: false,
      error: { code: "ValidationError", node_id: "start" },
    });
    expect(bench(flow.build(), {}).result?.error?.code).toBe("ValidationError");
    expect(bench(flow.build(), { x: 5 }).result?.success).toBe(true);
  });
});

describe("RETURN", () => {
  const two = (): ReturnType<typeof flowBuilder> => {
    const flow = step(flowBuilder().node("start", "start"), "a", "b");
    flow.node("first", "return", { config: { name: "one", status_code: 201 } }).node("second", "return");
    return flow.exec("start", "a", "b").exec("a", "first").exec("b", "second");
  };

  test("the first one in log order wins, and what is in flight is told to stop", () => {
    const on = bench(two().build());
    answer(on, "a");
    expect(on.result).toMatchObject({ return: "one", status_code: 201, success: true });
    expect(on.commands.some((command) => command.type === "stop")).toBe(true);
    answer(on, "b");
    expect(on.commands.filter((command) => command.type === "append")).toHaveLength(1);
  });

  test("with drain it waits for what is in flight", () => {
    const on = bench(two().build(), {}, { drain: "await" });
    answer(on, "a");
    expect(on.run.state).toBe("draining");
    expect(on.result).toBeUndefined();
    answer(on, "b");
    expect(on.result).toMatchObject({ return: "one", success: true });
  });
});

describe("errors", () => {
  const one = (policy: object = {}, strategy: Flow["error_strategy"] = "abort"): ReturnType<typeof flowBuilder> => {
    const flow = flowBuilder({ error_strategy: strategy })
      .node("start", "start")
      .node("a", "base_debug", { policy })
      .node("ret", "return");
    return flow.chain("start", "a", "ret").data("a.value", "ret.value");
  };
  const boom: Answer = { error: { code: "Boom", message: "it broke" } };
  const retry = {
    max_attempts: 3,
    initial_interval: "10s",
    backoff: 2,
    max_interval: "60s",
    jitter: false,
    non_retryable: ["Never"],
  };

  test("abort: the run fails with the node's error", () => {
    const on = bench(one().build());
    answer(on, "a", boom);
    expect(on.result).toMatchObject({
      success: false,
      error: { code: "Boom", message: "it broke", node_id: "a" },
      statistics: { nodes_failed: 1 },
    });
    expect(on.result?.statistics.errors).toHaveLength(1);
  });

  test("the error pin is taken, with the error on its data output", () => {
    const flow = one()
      .node("bad", "return", { config: { name: "bad", status_code: 500 } })
      .exec("a.error", "bad")
      .data("a.error", "bad.why");
    const on = bench(flow.build());
    answer(on, "a", boom);
    expect(on.result).toMatchObject({ success: true, return: "bad", status_code: 500 });
    expect(on.result?.result).toEqual({ why: { type: "Boom", message: "it broke", attempts: 1, node: "a" } });
  });

  test("on_error continue completes the node with the defaults of who reads it", () => {
    const on = bench(one({ on_error: "continue" }).build());
    answer(on, "a", boom);
    expect(on.result).toMatchObject({ success: true, result: {}, statistics: { nodes_failed: 1 } });
  });

  test("error_strategy continue does the same for every node", () => {
    const on = bench(one({}, "continue").build());
    answer(on, "a", boom);
    expect(on.result?.success).toBe(true);
  });

  test("a retry waits its backoff by the log's clock, then runs again under another execution id", () => {
    const on = bench(one({ retry }).build());
    const first = on.work[0]?.entry;
    answer(on, "a", boom);
    expect(on.timers.size).toBe(1);
    expect([...on.timers.values()][0]).toBe(on.now + 10_000);
    on.fireNext();
    const second = on.work[0]?.entry;
    expect(second?.attempt).toBe(2);
    expect(second?.id).not.toBe(first?.id);
    expect(second?.idempotency_key).toBe(first?.idempotency_key);
    answer(on, "a", boom);
    expect([...on.timers.values()][0]).toBe(on.now + 20_000);
    on.fireNext();
    answer(on, "a", { outputs: { value: "at last" } });
    expect(on.result).toMatchObject({ success: true, result: { value: "at last" }, statistics: { nodes_failed: 0 } });
  });

  test.each([
    ["a code that the policy names", { code: "Never" }],
    ["an error that says so", { code: "Boom", retryable: false }],
  ])("no retry for %s", (_, error) => {
    const on = bench(one({ retry }).build());
    answer(on, "a", { error });
    expect(on.result?.error?.code).toBe(error.code);
  });

  test("a result of a superseded attempt is ignored", () => {
    const on = bench(one({ retry }).build());
    const first = on.work[0];
    answer(on, "a", boom);
    on.fireNext();
    if (first) on.answer(first, { outputs: { value: "late" } });
    expect(on.result).toBeUndefined();
    answer(on, "a", { outputs: { value: "current" } });
    expect(on.result?.result).toEqual({ value: "current" });
  });

  test("error_strategy retry gives four attempts, then aborts", () => {
    const on = bench(one({}, "retry").build());
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect(on.work[0]?.entry.attempt).toBe(attempt);
      answer(on, "a", boom);
      if (attempt < 4) on.fireNext();
    }
    expect(on.result?.error?.code).toBe("Boom");
  });

  test("error_strategy pause holds the run until an operator retries", () => {
    const on = bench(one({}, "pause").build());
    answer(on, "a", boom);
    expect(on.run.state).toBe("paused");
    on.append({ v: 1, kind: "control", run: "run1", action: "retry" });
    expect(on.run.state).toBe("running");
    answer(on, "a", { outputs: { value: 1 } });
    expect(on.result?.success).toBe(true);
  });

  test("an actor speaks for its own type alone", () => {
    const on = bench(one().build());
    const work = on.work[0];
    if (work) on.answer({ type: "math_add", entry: work.entry }, { outputs: { value: "forged" } });
    expect(on.result).toBeUndefined();
  });
});

describe("control", () => {
  const flow = step(flowBuilder().node("start", "start"), "a", "b")
    .node("ret", "return")
    .chain("start", "a", "b", "ret")
    .build();
  const control = (on: RunBench, action: "cancel" | "pause" | "resume" | "terminate"): void =>
    on.append({ v: 1, kind: "control", run: "run1", action });

  test("a paused run takes results in and starts nothing until it is resumed", () => {
    const on = bench(flow);
    control(on, "pause");
    answer(on, "a");
    expect(asked(on)).toEqual([]);
    control(on, "resume");
    expect(asked(on)).toEqual(["b"]);
  });

  test("a resume does not lead past a failed node: what is held starts with the retry", () => {
    const branches = step(flowBuilder({ error_strategy: "pause" }).node("start", "start"), "a", "b", "next")
      .node("ret", "return")
      .chain("start", "a", "ret")
      .chain("start", "b", "next", "ret")
      .build();
    const on = bench(branches);
    answer(on, "a", { error: { code: "Boom" } });
    answer(on, "b");
    control(on, "resume");
    expect([on.run.state, asked(on)]).toEqual(["paused", []]);
    on.append({ v: 1, kind: "control", run: "run1", action: "retry" });
    expect([on.run.state, asked(on).sort()]).toEqual(["running", ["a", "next"]]);
  });

  test("a paused run makes no further attempt and takes no further input until it is resumed", () => {
    const policy = {
      retry: {
        max_attempts: 5,
        initial_interval: "1s",
        backoff: 1,
        max_interval: "1s",
        jitter: false,
        non_retryable: [],
      },
    };
    const retrying = flowBuilder()
      .node("start", "start")
      .node("a", "base_debug", { policy })
      .node("b", "base_debug")
      .node("ret", "return");
    retrying.exec("start", "a", "b").exec("a", "ret").exec("b", "ret").data("a.value", "b.value");
    const on = bench(retrying.build());
    answer(on, "a", { error: { code: "Boom" } });
    control(on, "pause");
    on.fireNext();
    expect(asked(on)).toEqual([]);
    control(on, "resume");
    expect(on.work[0]?.entry).toMatchObject({ node: "a", attempt: 2 });
    control(on, "pause");
    answer(on, "a", { outputs: { value: 1 } });
    expect(asked(on)).toEqual([]);
    control(on, "resume");
    expect(asked(on)).toEqual(["b"]);
  });

  test("a retry does not lift a pause that somebody asked for", () => {
    const failing = step(flowBuilder({ error_strategy: "pause" }).node("start", "start"), "a")
      .node("ret", "return")
      .chain("start", "a", "ret");
    const on = bench(failing.build());
    answer(on, "a", { error: { code: "Boom" } });
    control(on, "pause");
    on.append({ v: 1, kind: "control", run: "run1", action: "retry" });
    expect(on.run.state).toBe("paused");
    expect(asked(on)).toEqual([]);
    control(on, "resume");
    expect(asked(on)).toEqual(["a"]);
  });

  test("cancel waits for running code to answer, then ends as cancelled", () => {
    const on = bench(flow);
    control(on, "cancel");
    expect(on.run.state).toBe("cancelling");
    answer(on, "a", { error: { code: "RunCancelled" } });
    expect(on.result).toMatchObject({ success: false, status: "cancelled", error: { code: "RunCancelled" } });
  });

  test("cancel does not wait for ever: its timer ends it", () => {
    const on = bench(flow);
    control(on, "cancel");
    on.fireNext();
    expect(on.result?.status).toBe("cancelled");
  });

  test("terminate ends at once", () => {
    const on = bench(flow);
    control(on, "terminate");
    expect(on.result?.status).toBe("cancelled");
  });
});
