/** Loops, sequences, signals and children, rule by rule (DESIGN §4). */
import { describe, expect, test } from "vitest";
import type { Flow } from "../../flow/index.ts";
import { fixtureTypes, flowBuilder, nodeTypeFixture } from "../../flow/testing.ts";
import { type Answer, RunBench } from "./testing.ts";

const types = new Map([
  ...fixtureTypes,
  [
    "control_wait_signal",
    nodeTypeFixture("control_wait_signal", {
      kind: "wait_signal",
      outputs: { payload: "any" },
      exec: ["finish", "timeout"],
    }),
  ],
  [
    "control_subflow",
    nodeTypeFixture("control_subflow", {
      kind: "subflow",
      openInputs: true,
      outputs: { result: "dict", status_code: "int" },
    }),
  ],
]);

function bench(flow: Flow, inputs: Record<string, unknown> = {}): RunBench {
  return new RunBench(flow, { types, inputs });
}

const asked = (on: RunBench): string[] => on.work.map(({ entry }) => `${entry.node}@${entry.scope}`);

function answer(on: RunBench, where: string, what: Answer = {}): void {
  const work = on.work.find(({ entry }) => `${entry.node}@${entry.scope}` === where);
  expect(work, `${where} has been asked for; open is ${asked(on)}`).toBeDefined();
  if (work) on.answer(work, what);
}

/** START → loop with a body of one step → RETURN, which gives the loop's results. */
function forEach(config: Record<string, unknown> = {}, list: unknown[] = ["x", "y", "z"]) {
  return flowBuilder()
    .node("start", "start")
    .node("each", "control_for_each", { config, constants: { list } })
    .node("a", "base_debug")
    .node("ret", "return")
    .exec("start", "each")
    .exec("each.body", "a")
    .exec("each.completed", "ret")
    .data("each.item", "a.value")
    .data("a.value", "each.collect")
    .data("each.results", "ret.results")
    .data("each.count", "ret.count");
}

const give = (value: unknown): Answer => ({ outputs: { value } });

describe("for each", () => {
  test("runs one item after the other, results in index order", () => {
    const on = bench(forEach().build());
    for (const [at, item] of ["x", "y", "z"].entries()) {
      expect(asked(on)).toEqual([`a@each[${at}]`]);
      expect(on.work[0]?.entry.inputs).toEqual({ value: item });
      answer(on, `a@each[${at}]`, give(`${item}!`));
    }
    expect(on.result?.result).toEqual({ results: ["x!", "y!", "z!"], count: 3 });
  });

  test("with concurrency runs several, and keeps the order of the results", () => {
    const on = bench(forEach({ concurrency: 2 }).build());
    expect(asked(on)).toEqual(["a@each[0]", "a@each[1]"]);
    answer(on, "a@each[1]", give("second"));
    expect(asked(on)).toEqual(["a@each[0]", "a@each[2]"]);
    answer(on, "a@each[2]", give("third"));
    answer(on, "a@each[0]", give("first"));
    expect(on.result?.result).toEqual({ results: ["first", "second", "third"], count: 3 });
  });

  test("over no item completes at once", () => {
    expect(bench(forEach({}, []).build()).result?.result).toEqual({ results: [], count: 0 });
  });

  test("what is no list fails the loop", () => {
    const flow = forEach().build();
    const each = flow.nodes.find((node) => node.id === "each");
    if (each) each.constants.list = "no list";
    expect(bench(flow).result?.error).toMatchObject({ code: "ValidationError", node_id: "each" });
  });

  test.each([
    ["fail", undefined],
    ["skip", { results: ["X", "Z"], count: 3 }],
    ["collect", { results: ["X", { error: { type: "Boom", message: "Boom", node: "a" } }, "Z"], count: 3 }],
  ])("on_item_error %s", (on_item_error, expected) => {
    const on = bench(forEach({ on_item_error }).build());
    answer(on, "a@each[0]", give("X"));
    answer(on, "a@each[1]", { error: { code: "Boom" } });
    if (!expected) return expect(on.result?.error).toMatchObject({ code: "Boom", node_id: "a" });
    answer(on, "a@each[2]", give("Z"));
    expect(on.result?.result).toEqual(expected);
  });

  test("a failure in the body takes the loop's own error pin, and what runs beside it is stopped", () => {
    const flow = forEach({ concurrency: 2 })
      .node("bad", "return", { config: { name: "bad" } })
      .exec("each.error", "bad")
      .data("each.error", "bad.why");
    const on = bench(flow.build());
    answer(on, "a@each[0]", { error: { code: "Boom" } });
    expect(on.result).toMatchObject({ success: true, return: "bad", result: { why: { type: "Boom", node: "a" } } });
    expect(on.commands.some((command) => command.type === "stop")).toBe(true);
  });

  test("holds as many scopes as iterations run at once, over a hundred thousand items", () => {
    const list = Array.from({ length: 100_000 }, (_, at) => at);
    const on = bench(forEach({ concurrency: 4 }, list).build());
    let most = 0;
    for (let work = on.work[0]; work; work = on.work[0]) {
      on.answer(work, { outputs: {} });
      most = Math.max(most, on.run.details.scopes.size);
      // The bench's own memory is not what is under test.
      on.log.length = 2;
      on.commands.length = 0;
    }
    expect(most).toBeLessThanOrEqual(5);
    expect(on.result?.result).toMatchObject({ count: 100_000 });
  });

  test("loops in loops have scopes in scopes, and read the enclosing item", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("outer", "control_for_each", { constants: { list: ["a", "b"] } })
      .node("inner", "control_for_each", { constants: { list: [1, 2] } })
      .node("pair", "base_debug")
      .node("ret", "return")
      .exec("start", "outer")
      .exec("outer.body", "inner")
      .exec("inner.body", "pair")
      .exec("outer.completed", "ret")
      .data("outer.item", "pair.value")
      .data("inner.item", "inner.collect")
      .data("inner.results", "outer.collect")
      .data("outer.results", "ret.all");
    const on = bench(flow.build());
    for (const [letter, o] of [
      ["a", 0],
      ["b", 1],
    ] as const) {
      for (const i of [0, 1]) {
        expect(on.work[0]?.entry.inputs).toEqual({ value: letter });
        answer(on, `pair@outer[${o}]/inner[${i}]`);
      }
    }
    expect(on.result?.result).toEqual({
      all: [
        [1, 2],
        [1, 2],
      ],
    });
  });

  test("a RETURN in the body ends the run early", () => {
    const flow = forEach()
      .node("early", "return", { config: { name: "early" } })
      .exec("a", "early")
      .data("each.item", "early.found");
    const on = bench(flow.build());
    answer(on, "a@each[0]");
    expect(on.result).toMatchObject({ return: "early", result: { found: "x" } });
  });
});

describe("break and continue", () => {
  const loop = (kind: "control_break" | "control_continue", config = {}) =>
    forEach(config)
      .node("br", "logic_branch", { constants: { condition: true } })
      .node("out", kind)
      .node("late", "base_debug")
      .exec("a", "br")
      .exec("br.true", "out")
      .exec("br.false", "late");

  test("break ends the loop; the broken item is not collected", () => {
    const on = bench(loop("control_break").build());
    answer(on, "a@each[0]", give("X"));
    answer(on, "br@each[0]", { exec: ["false"] });
    answer(on, "late@each[0]");
    answer(on, "a@each[1]", give("Y"));
    answer(on, "br@each[1]", { exec: ["true"] });
    expect(on.result?.result).toEqual({ results: ["X"], count: 1 });
  });

  test("break stops the iterations that run beside it", () => {
    const on = bench(loop("control_break", { concurrency: 3 }).build());
    answer(on, "a@each[1]", give("Y"));
    answer(on, "br@each[1]", { exec: ["true"] });
    expect(on.result?.result).toEqual({ results: [], count: 0 });
    expect(on.run.details.inFlight.size).toBe(0);
  });

  test("continue ends the iteration; what it has fed into collect by then counts", () => {
    const on = bench(loop("control_continue").build());
    for (const at of [0, 1, 2]) {
      answer(on, `a@each[${at}]`, give(at));
      answer(on, `br@each[${at}]`, { exec: ["true"] });
    }
    expect(on.result?.result).toEqual({ results: [0, 1, 2], count: 3 });
  });
});

describe("while and repeat", () => {
  const whileLoop = (config = {}) =>
    flowBuilder()
      .node("start", "start")
      .node("more", "logic_compare", { config: { operator: "<" }, constants: { a: 1, b: 2 } })
      .node("loop", "control_while", { config })
      .node("a", "base_debug")
      .node("ret", "return")
      .exec("start", "loop")
      .exec("loop.body", "a")
      .exec("loop.completed", "ret")
      .data("more.result", "loop.condition")
      .data("loop.iteration", "a.value");

  test("the condition is pulled before each iteration, each time anew", () => {
    const on = bench(whileLoop().build());
    const pulls = new Set<string>();
    for (const more of [true, true, false]) {
      const pull = on.work[0];
      expect(pull?.entry.node).toBe("more");
      pulls.add(pull?.entry.id ?? "");
      if (pull) on.answer(pull, { outputs: { result: more } });
      if (more) on.answer(on.work[0] ?? expect.fail(), {});
    }
    expect(pulls.size).toBe(3);
    expect(on.result?.success).toBe(true);
  });

  test("past max_iterations it fails with IterationLimitExceeded", () => {
    const on = bench(whileLoop({ max_iterations: 2 }).build());
    for (let at = 0; at < 20 && !on.result; at++) {
      const work = on.work[0];
      if (work) on.answer(work, work.entry.node === "more" ? { outputs: { result: true } } : {});
    }
    expect(on.result?.error).toMatchObject({ code: "IterationLimitExceeded", node_id: "loop" });
  });

  test("a condition that is no boolean fails the loop", () => {
    const on = bench(whileLoop().build());
    const work = on.work[0];
    if (work) on.answer(work, { outputs: { result: "yes" } });
    expect(on.result?.error).toMatchObject({ code: "ValidationError", node_id: "loop" });
  });

  test("repeat offers the index and collects", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("rep", "control_repeat", { constants: { times: 3 } })
      .node("a", "base_debug")
      .node("ret", "return")
      .exec("start", "rep")
      .exec("rep.body", "a")
      .exec("rep.completed", "ret")
      .data("rep.index", "a.value")
      .data("a.value", "rep.collect")
      .data("rep.results", "ret.results");
    const on = bench(flow.build());
    for (const at of [0, 1, 2]) answer(on, `a@rep[${at}]`, give(at * 10));
    expect(on.result?.result).toEqual({ results: [0, 10, 20] });
  });
});

describe("sequence", () => {
  test("a pin opens when all that only the earlier ones reach has settled", () => {
    const flow = flowBuilder().node("start", "start").node("seq", "control_sequence");
    for (const id of ["a", "a2", "b", "both"]) flow.node(id, "base_debug");
    flow
      .node("ret", "return")
      .exec("start", "seq")
      .exec("seq.then_0", "a")
      .exec("seq.then_1", "b")
      .chain("a", "a2")
      .exec("a", "both")
      .exec("b", "both")
      .exec("both", "ret");
    const on = bench(flow.build());
    expect(asked(on)).toEqual(["a@"]);
    answer(on, "a@");
    expect(asked(on)).toEqual(["a2@"]);
    answer(on, "a2@");
    expect(asked(on)).toEqual(["b@"]);
    answer(on, "b@");
    answer(on, "both@");
    expect(on.result?.success).toBe(true);
  });
});

describe("time and people", () => {
  const waiting = () =>
    flowBuilder()
      .node("start", "start")
      .node("wait", "control_wait_signal", { config: { signal: "go", timeout: "10s" } })
      .node("ret", "return")
      .node("late", "return")
      .exec("start", "wait")
      .exec("wait.finish", "ret")
      .exec("wait.timeout", "late")
      .data("wait.payload", "ret.payload");
  const signal = (on: RunBench, id: string, payload: unknown): void =>
    on.append({ v: 1, kind: "signal", run: "run1", signal: "go", payload, id });

  test("a signal completes the node that waits for it, and its timer is cancelled", () => {
    const on = bench(waiting().build());
    expect(on.timers.size).toBe(1);
    signal(on, "1", { ok: true });
    expect(on.timers.size).toBe(0);
    expect(on.result).toMatchObject({ return: "ret", result: { payload: { ok: true } } });
  });

  test("without a signal the timeout is taken, by the log's clock", () => {
    const on = bench(waiting().build());
    expect([...on.timers.values()]).toEqual([on.now + 10_000]);
    on.fireNext();
    expect(on.result?.return).toBe("late");
  });

  test("a signal that comes twice counts once", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("one", "control_wait_signal", { config: { signal: "go" } })
      .node("two", "control_wait_signal", { config: { signal: "go" } })
      .node("ret", "return")
      .chain("start", "one", "two", "ret");
    const on = bench(flow.build());
    signal(on, "1", "a");
    signal(on, "1", "a");
    expect(on.result).toBeUndefined();
    signal(on, "2", "b");
    expect(on.result?.success).toBe(true);
  });

  test("a deadline ends all attempts, the one that runs and those to come", () => {
    const policy = {
      deadline: "30s",
      retry: {
        max_attempts: 9,
        initial_interval: "20s",
        backoff: 1,
        max_interval: "60s",
        jitter: false,
        non_retryable: [],
      },
    };
    const flow = flowBuilder()
      .node("start", "start")
      .node("a", "base_debug", { policy })
      .node("ret", "return")
      .chain("start", "a", "ret");
    const on = bench(flow.build());
    answer(on, "a@", { error: { code: "Boom" } });
    on.fireNext();
    expect(asked(on)).toEqual(["a@"]);
    on.fireNext();
    expect(on.result?.error).toMatchObject({ code: "NodeTimeout", node_id: "a" });
  });
});

describe("subflow", () => {
  const parent = () =>
    flowBuilder()
      .node("start", "start")
      .node("sub", "control_subflow", { config: { flow: "child" }, constants: { x: 1 } })
      .node("ret", "return")
      .chain("start", "sub", "ret")
      .data("sub.result", "ret.child");

  test("starts a child with its inputs and takes its result", () => {
    const on = bench(parent().build());
    expect(on.children).toMatchObject([
      { id: "run1:sub@#1", flow: "child", inputs: { x: 1 }, parent: { run: "run1", depth: 1 } },
    ]);
    const result = {
      run_id: "c",
      success: true,
      status: "succeeded",
      return: "r",
      status_code: 200,
      result: { y: 2 },
      error: null,
    } as const;
    const statistics = {
      total_time: 0,
      nodes_executed: 0,
      nodes_failed: 0,
      nodes_skipped: 0,
      node_times: {},
      errors: [],
    };
    on.append({ v: 1, kind: "child", run: "run1", execution: "run1:sub@#1", result: { ...result, statistics } });
    expect(on.result?.result).toEqual({ child: { y: 2 } });
  });

  test("a cancelled run has its child cancelled first", () => {
    const on = bench(parent().build());
    on.append({ v: 1, kind: "control", run: "run1", action: "cancel" });
    expect(on.commands).toContainEqual({ type: "stopChild", id: "run1:sub@#1" });
    expect(on.run.state).toBe("cancelling");
  });
});
