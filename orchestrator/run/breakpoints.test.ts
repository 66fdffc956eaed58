/** Breakpoints and steps, rule by rule: what is held, with which inputs, and what goes on. */
import { describe, expect, test } from "vitest";
import type { Flow } from "../../flow/index.ts";
import { flowBuilder } from "../../flow/testing.ts";
import { simulatedTypes as types } from "../simulation/testing-flows.ts";
import { foldRun, Run } from "./fold.ts";
import { type Answer, RunBench } from "./testing.ts";

let commands = 0;
type Command = "step" | "continue" | "resume" | "pause" | "cancel" | "terminate" | "retry";

function bench(flow: Flow, breakpoints?: string[], inputs: Record<string, unknown> = {}): RunBench {
  return new RunBench(flow, { types, inputs, options: breakpoints ? { breakpoints } : {} });
}

function send(on: RunBench, action: Command, id = `k${++commands}`): void {
  on.append({ v: 1, kind: "control", run: "run1", action, id });
}

function breakAt(on: RunBench, ...nodes: string[]): void {
  on.append({ v: 1, kind: "control", run: "run1", action: "breakpoints", nodes, id: `k${++commands}` });
}

function answer(on: RunBench, node: string, what: Answer = {}): void {
  const work = on.work.find(({ entry }) => entry.node === node);
  expect(work, `${node} has been asked for`).toBeDefined();
  if (work) on.answer(work, what);
}

const asked = (on: RunBench): string[] => on.work.map(({ entry }) => entry.node);
const heldOf = (run: Run): string[] =>
  (run.details.debug?.held ?? [])
    .filter(({ activation }) => activation.state === "held")
    .map(({ activation: { node, scope, attempt } }) => `${node}${scope && `@${scope}`}${attempt > 1 ? attempt : ""}`);
const held = (on: RunBench): string[] => heldOf(on.run);
const inputsOf = (on: RunBench, node: string, scope = "") =>
  on.run.details.scopes.get(scope)?.activations.get(node)?.inputs;

function chain(...ids: string[]): ReturnType<typeof flowBuilder> {
  const flow = flowBuilder().node("start", "start");
  for (const id of ids) flow.node(id, "base_debug");
  return flow.node("ret", "return").chain("start", ...ids, "ret");
}

/** The run as a process sees it that takes it from the shelf. */
function fromShelf(on: RunBench): Run {
  const [first] = on.log;
  if (first?.kind !== "run" || first.message.kind !== "submitted") throw new Error("the log begins elsewhere");
  return Run.resume(JSON.parse(JSON.stringify(on.run.snapshot())), first.message.flow, first.message.types);
}

describe("a breakpoint", () => {
  test("holds its node with its inputs before it is sent; continue sends it and runs on", () => {
    const on = bench(chain("a", "b").data("a.value", "b.value").build(), ["b"]);
    answer(on, "a", { outputs: { value: 7 } });
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", ["b"], []]);
    expect(inputsOf(on, "b")).toEqual({ value: 7 });
    expect(on.run.outstanding(0)).toEqual([]);
    send(on, "continue");
    expect([on.run.state, held(on), on.work[0]?.entry.inputs]).toEqual(["running", [], { value: 7 }]);
    answer(on, "b");
    expect(on.result).toMatchObject({ success: true, statistics: { nodes_executed: 4 } });
  });

  test("shows what pure nodes give, and does not evaluate them again", () => {
    const flow = chain("a")
      .node("sum", "math_add", { constants: { x: 1, y: 2 } })
      .data("sum.result", "a.value");
    const on = bench(flow.build(), ["a"]);
    expect([on.run.state, asked(on)]).toEqual(["running", ["sum"]]);
    answer(on, "sum", { outputs: { result: 3 } });
    expect([held(on), inputsOf(on, "a")]).toEqual([["a"], { value: 3 }]);
    send(on, "continue");
    expect(on.work.map(({ entry }) => [entry.node, entry.inputs])).toEqual([["a", { value: 3 }]]);
  });

  test.each([
    ["START", "start", chain("a")],
    ["a RETURN", "ret", chain()],
    [
      "a sleep",
      "nap",
      chain()
        .node("nap", "control_sleep", { constants: { seconds: 5 } })
        .exec("start", "nap"),
    ],
    [
      "a wait for a signal",
      "wait",
      chain()
        .node("wait", "control_wait_signal", { config: { signal: "go" } })
        .exec("start", "wait"),
    ],
    ["a sequence", "seq", chain().node("seq", "control_sequence").exec("start", "seq")],
    [
      "a branch",
      "br",
      chain()
        .node("br", "logic_branch", { constants: { condition: true } })
        .exec("start", "br"),
    ],
    [
      "a child run",
      "sub",
      chain()
        .node("sub", "control_subflow", { config: { flow: "x" } })
        .exec("start", "sub"),
    ],
  ])("holds %s", (_, node, flow) => {
    // The others go first: a RETURN ends the run.
    const on = bench(flow.build(), [node, "ret"]);
    expect([on.run.state, held(on).includes(node)]).toEqual(["paused", true]);
    expect([on.timers.size, on.children.length, on.result]).toEqual([0, 0, undefined]);
  });

  test("holds a loop once, before its first iteration, and a node of its body in each", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("each", "control_for_each", { constants: { list: ["x", "y"] } })
      .node("a", "base_debug")
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "a")
      .exec("each.completed", "ret")
      .data("each.item", "a.value")
      .data("a.value", "each.collect")
      .data("each.results", "ret.all");
    const on = bench(flow.build(), ["each", "a"]);
    expect([held(on), inputsOf(on, "each")]).toEqual([["each"], { list: ["x", "y"] }]);
    send(on, "continue");
    for (const [index, item] of ["x", "y"].entries()) {
      expect(held(on)).toEqual([`a@each[${index}]`]);
      expect(inputsOf(on, "a", `each[${index}]`)).toEqual({ value: item });
      send(on, "continue");
      answer(on, "a", { outputs: { value: item.toUpperCase() } });
    }
    expect(on.result).toMatchObject({ result: { all: ["X", "Y"] } });
  });

  test("holds a while loop once, not at each look at its condition", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("while", "control_while")
      .node("cmp", "logic_compare", { config: { operator: "<" }, constants: { a: 1, b: 2 } })
      .node("a", "base_debug")
      .node("ret", "return")
      .data("cmp.result", "while.condition")
      .chain("start", "while")
      .exec("while.body", "a")
      .exec("while.completed", "ret");
    const on = bench(flow.build(), ["while"]);
    answer(on, "cmp", { outputs: { result: true } });
    expect(held(on)).toEqual(["while"]);
    send(on, "continue");
    answer(on, "a");
    answer(on, "cmp", { outputs: { result: true } });
    answer(on, "a");
    expect([on.run.state, held(on)]).toEqual(["running", []]);
    answer(on, "cmp", { outputs: { result: false } });
    expect(on.result?.success).toBe(true);
  });

  const retry = { max_attempts: 3, initial_interval: "1s", backoff: 1, max_interval: "1s", jitter: false };

  test("holds each attempt", () => {
    const policy = { retry: { ...retry, non_retryable: [] } };
    const flow = flowBuilder()
      .node("start", "start")
      .node("a", "base_debug", { policy, constants: { value: 1 } });
    const on = bench(flow.node("ret", "return").chain("start", "a", "ret").build(), ["a"]);
    send(on, "continue");
    answer(on, "a", { error: { code: "Boom" } });
    expect([on.run.state, held(on)]).toEqual(["running", []]);
    on.fireNext();
    expect([on.run.state, held(on), inputsOf(on, "a")]).toEqual(["paused", ["a2"], { value: 1 }]);
    send(on, "continue");
    expect(on.work[0]?.entry).toMatchObject({ node: "a", attempt: 2, inputs: { value: 1 } });
    answer(on, "a");
    expect(on.result?.success).toBe(true);
  });

  test("stops the clock of its node: neither deadline nor node time count what it was held", () => {
    const policy = { deadline: "5s", retry: { ...retry, non_retryable: [] } };
    const flow = flowBuilder().node("start", "start").node("a", "base_debug", { policy });
    const on = bench(flow.node("ret", "return").chain("start", "a", "ret").build(), ["a"]);
    on.now += 3_600_000;
    expect(on.timers.size).toBe(0);
    send(on, "continue");
    expect([...on.timers.values()]).toEqual([on.now + 5_000]);
    expect(on.work[0]?.entry.deadline).toBe(on.now + 5_000);
    on.now += 1_000;
    answer(on, "a", { error: { code: "Boom" } });
    on.fireNext();
    expect([held(on), on.timers.size]).toEqual([["a2"], 0]);
    on.now += 3_600_000;
    send(on, "continue");
    expect([...on.timers.values()]).toEqual([on.now + 3_000]);
    on.fireNext();
    expect(on.result?.error?.code).toBe("NodeTimeout");
  });

  test("lets nothing start beside it, also not what was ready in the same moment; what runs may finish", () => {
    const flow = chain("a")
      .node("b", "base_debug")
      .node("c", "base_debug")
      .node("d", "base_debug")
      .exec("start", "b", "c")
      .exec("b", "d")
      .exec("d", "ret")
      .exec("c", "ret");
    // In the order of the flow's edges: a, then b and c.
    const on = bench(flow.build(), ["b"]);
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", ["b"], ["a"]]);
    answer(on, "a");
    expect(asked(on)).toEqual([]);
    send(on, "continue");
    expect(asked(on).sort()).toEqual(["b", "c"]);
    answer(on, "b");
    answer(on, "c");
    answer(on, "d");
    expect(on.result?.success).toBe(true);
  });

  test("keeps a RETURN that was ready in the same moment from ending the run", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("a", "base_debug")
      .node("one", "return")
      .node("two", "return");
    const on = bench(flow.exec("start", "a", "one").exec("a", "two").build(), ["a"]);
    expect([held(on), on.result]).toEqual([["a"], undefined]);
    send(on, "continue");
    expect(on.result).toMatchObject({ return: "one" });
  });

  test("is set and taken away while the run goes on", () => {
    const on = bench(chain("a", "b", "c").build());
    breakAt(on, "b");
    answer(on, "a");
    expect(held(on)).toEqual(["b"]);
    breakAt(on);
    expect([on.run.state, held(on)]).toEqual(["paused", ["b"]]);
    breakAt(on, "ret");
    send(on, "continue");
    answer(on, "b");
    answer(on, "c");
    expect(held(on)).toEqual(["ret"]);
    send(on, "continue");
    expect(on.result?.success).toBe(true);
  });

  test.each([
    ["a node that is not there", "nobody"],
    ["a pure node", "sum"],
  ])("on %s fails the run", (_, node) => {
    const flow = chain("a")
      .node("sum", "math_add", { constants: { x: 1, y: 2 } })
      .data("sum.result", "a.value");
    const on = bench(flow.build(), ["a", node]);
    expect(on.result).toMatchObject({ status: "failed", error: { code: "InvalidBreakpoint", node_id: node } });
    expect(on.work).toEqual([]);
  });

  test("is news to those who watch", () => {
    const on = bench(chain("a").build(), ["a"]);
    const news = on.commands.flatMap((command) =>
      command.type === "announce" && command.event.kind === "node" ? command.event.nodes : [],
    );
    expect(news.map(({ node, state }) => [node, state])).toEqual([
      ["start", "completed"],
      ["a", "held"],
    ]);
  });

  test("costs a run that has none nothing: it has no such state", () => {
    const on = bench(chain("a").build(), []);
    expect([on.run.details.debug, on.run.snapshot().debug]).toEqual([undefined, undefined]);
  });
});

describe("a step", () => {
  test("sends what is held and holds whatever becomes ready next", () => {
    const on = bench(chain("a", "b").build(), ["a"]);
    send(on, "step");
    expect([on.run.state, asked(on), held(on)]).toEqual(["running", ["a"], []]);
    answer(on, "a");
    expect(held(on)).toEqual(["b"]);
    send(on, "step");
    answer(on, "b");
    expect(held(on)).toEqual(["ret"]);
    send(on, "step");
    expect(on.result?.success).toBe(true);
  });

  test("moves over a node that the run performs itself to the next one at once", () => {
    const on = bench(chain("a").build(), ["start"]);
    send(on, "step");
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", ["a"], []]);
  });

  test("holds all that becomes ready in the same moment, and sends all of it with the next", () => {
    const on = bench(chain("a").node("b", "base_debug").exec("start", "b").exec("b", "ret").build(), ["start"]);
    send(on, "step");
    expect(held(on)).toEqual(["a", "b"]);
    send(on, "step");
    expect(asked(on)).toEqual(["a", "b"]);
    answer(on, "b");
    expect(held(on)).toEqual([]);
    answer(on, "a");
    expect(held(on)).toEqual(["ret"]);
  });

  test("shows next what could not start beside what was held", () => {
    const on = bench(chain("a").node("b", "base_debug").exec("start", "b").exec("b", "ret").build(), ["a"]);
    expect([held(on), asked(on)]).toEqual([["a"], []]);
    send(on, "step");
    expect([held(on), asked(on)]).toEqual([["b"], ["a"]]);
    answer(on, "a");
    expect(held(on)).toEqual(["b"]);
  });

  test("in a run that goes on or is paused holds what becomes ready next", () => {
    const on = bench(chain("a", "b").build());
    send(on, "step");
    answer(on, "a");
    expect(held(on)).toEqual(["b"]);
    const other = bench(chain("a", "b").build());
    send(other, "pause");
    answer(other, "a");
    expect([held(other), inputsOf(other, "b")]).toEqual([[], undefined]);
    send(other, "step");
    expect(held(other)).toEqual(["b"]);
    expect(inputsOf(other, "b")).toEqual({});
  });

  test("that comes twice under its id is one", () => {
    const on = bench(chain("a").build(), ["start"]);
    send(on, "step", "same");
    send(on, "step", "same");
    expect([held(on), asked(on)]).toEqual([["a"], []]);
    const again = fromShelf(on);
    const message = { v: 1, kind: "control", run: "run1", action: "step", id: "same" } as const;
    expect(again.apply({ seq: 99, timeMs: on.now, kind: "run", message })).toEqual([]);
    expect(heldOf(again)).toEqual(["a"]);
  });

  test("does not lead past a failed node: a retry does, and is held", () => {
    const flow = flowBuilder({ error_strategy: "pause" }).node("start", "start").node("a", "base_debug");
    flow.node("b", "base_debug").node("ret", "return").chain("start", "a", "ret").chain("start", "b", "ret");
    const on = bench(flow.build(), ["start"]);
    send(on, "continue");
    breakAt(on, "b");
    answer(on, "a", { error: { code: "Boom" } });
    send(on, "step");
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", [], ["b"]]);
    send(on, "retry");
    expect([on.run.state, held(on)]).toEqual(["paused", ["a2"]]);
    send(on, "continue");
    expect(asked(on)).toEqual(["b", "a"]);
  });

  test("and a retry of another node leaves held what is held", () => {
    const flow = flowBuilder({ error_strategy: "pause" }).node("start", "start").node("a", "base_debug");
    flow.node("b", "base_debug").node("ret", "return").chain("start", "a", "ret").chain("start", "b", "ret");
    const on = bench(flow.build(), ["b"]);
    answer(on, "a", { error: { code: "Boom" } });
    send(on, "continue");
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", ["b"], []]);
    send(on, "retry");
    expect([on.run.state, held(on), asked(on)]).toEqual(["paused", ["b"], []]);
    send(on, "continue");
    expect(asked(on).sort()).toEqual(["a", "b"]);
  });
});

describe("a held run", () => {
  test("goes on with resume as with continue, also after a step", () => {
    const on = bench(chain("a", "b").build(), ["start"]);
    send(on, "step");
    send(on, "resume");
    answer(on, "a");
    answer(on, "b");
    expect(on.result?.success).toBe(true);
  });

  test.each(["cancel", "terminate"] as const)("ends with %s", (action) => {
    const on = bench(chain("a").build(), ["a"]);
    send(on, action);
    expect(on.result).toMatchObject({ status: "cancelled" });
    send(on, "continue");
    expect(on.work).toEqual([]);
  });

  test("goes on by itself when all that was held is cancelled", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("each", "control_for_each", { config: { on_item_error: "skip" }, constants: { list: [1] } })
      .node("a", "base_debug")
      .node("b", "base_debug")
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "a", "b")
      .exec("each.completed", "ret");
    const on = bench(flow.build(), ["b"]);
    expect([held(on), asked(on)]).toEqual([["b@each[0]"], ["a"]]);
    answer(on, "a", { error: { code: "Boom" } });
    expect(on.result?.success).toBe(true);
    expect(on.commands.some((command) => command.type === "sendExec" && command.entry.node === "b")).toBe(false);
  });

  test("goes on also when it is cancelled in the moment in which it would be held", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("each", "control_for_each", { constants: { list: [1, 2] } })
      .node("a", "base_debug")
      .node("next", "control_continue")
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "next", "a")
      .exec("each.completed", "ret");
    // `next` ends the iteration in the very step in which `a` is held.
    const on = bench(flow.build(), ["a"]);
    expect([held(on), on.result?.success]).toEqual([[], true]);
    expect(on.work).toEqual([]);
  });

  test("is the same from its log and from the shelf", () => {
    const on = bench(chain("a", "b").data("a.value", "b.value").build(), ["start", "b"]);
    send(on, "continue");
    answer(on, "a", { outputs: { value: 1 } });
    send(on, "step");
    answer(on, "b");
    for (const run of [foldRun("run1", 0, on.log), fromShelf(on)]) {
      expect([run.state, heldOf(run), run.details.debug?.stepping]).toEqual(["paused", ["ret"], true]);
      const message = { v: 1, kind: "control", run: "run1", action: "continue", id: "last" } as const;
      run.apply({ seq: 99, timeMs: on.now, kind: "run", message });
      expect(run.result).toMatchObject({ success: true });
    }
  });
});
