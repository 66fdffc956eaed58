/** Runs worth recording: one for each thing that a log can hold, and some random ones for what nobody thought of. */
import type { FlowBuilder } from "../../flow/testing.ts";
import { flowBuilder } from "../../flow/testing.ts";
import { type Answer, RunBench, seeded } from "../run/testing.ts";
import { randomFlow } from "../run/testing-random-flow.ts";
import { simulatedTypes } from "./testing-flows.ts";

const retry = {
  initial_interval: "1s",
  backoff: 2,
  max_interval: "60s",
  jitter: true,
  non_retryable: ["Fatal"],
};
const childResult = {
  run_id: "child1",
  success: true,
  status: "succeeded" as const,
  return: "done",
  status_code: 201,
  result: { sum: 3 },
  error: null,
  statistics: { total_time: 1, nodes_executed: 2, nodes_failed: 0, nodes_skipped: 0, node_times: {}, errors: [] },
};

function start(options: Parameters<typeof flowBuilder>[0] = {}): FlowBuilder {
  return flowBuilder(options).node("start", "start", { config: { api_schema: { x: { type: "float", default: 1 } } } });
}

function bench(flow: FlowBuilder, id = "run1"): RunBench {
  return new RunBench(flow.build(), { types: simulatedTypes, id, inputs: { x: 2 } });
}

/** Answers what waits for an actor, oldest first, until nothing does. `how` may answer differently. */
function work(on: RunBench, how: (node: string, attempt: number) => Answer | undefined = () => undefined): void {
  for (let next = on.work[0]; next && !on.result; next = on.work[0]) {
    on.now += 7;
    on.answer(next, how(next.entry.node, next.entry.attempt) ?? { outputs: { value: { from: next.entry.id } } });
  }
}

const failing = (code = "Flaky"): Answer => ({ error: { code, message: "it failed", retryable: true } });

export const scenarios: Readonly<Record<string, () => RunBench>> = {
  "branch-and-join": () => {
    const flow = start()
      .node("br", "logic_branch")
      .node("cmp", "logic_compare", { config: { operator: ">" }, constants: { b: 1 } });
    for (const id of ["yes", "no", "both"]) flow.node(id, "base_debug");
    flow
      .node("ret", "return")
      .chain("start", "br")
      .exec("br.true", "yes")
      .exec("br.false", "no")
      .chain("yes", "both", "ret");
    flow.exec("no", "both").data("start.x", "cmp.a").data("cmp.result", "br.condition").data("yes.value", "ret.value");
    const on = bench(flow);
    work(on, (node) =>
      node === "cmp" ? { outputs: { result: true } } : node === "br" ? { exec: ["true"] } : undefined,
    );
    return on;
  },
  "for-each-concurrent": () => {
    const flow = start().node("each", "control_for_each", {
      config: { concurrency: 2, on_item_error: "collect" },
      constants: { list: ["a", "b", "c", "d"] },
    });
    flow
      .node("step", "base_debug")
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "step")
      .exec("each.completed", "ret");
    flow.data("each.item", "step.value").data("step.value", "each.collect").data("each.results", "ret.all");
    const on = bench(flow);
    for (let turn = 0; on.work.length > 0; turn++) {
      const next = on.work[turn % 2 === 0 ? on.work.length - 1 : 0];
      on.now += 11;
      if (next) on.answer(next, turn === 2 ? failing("Broken") : { outputs: { value: { of: next.entry.scope } } });
    }
    return on;
  },
  "nested-loops-break-continue": () => {
    const flow = start().node("times", "control_repeat", { constants: { times: 3 } });
    flow.node("while", "control_while", { config: { max_iterations: 5 } });
    flow.node("cmp", "logic_compare", { config: { operator: "<" }, constants: { b: 2 } }).data("times.index", "cmp.a");
    flow.data("cmp.result", "while.condition").node("br", "logic_branch", { constants: { condition: true } });
    flow.node("stop", "control_break").node("on", "control_continue").node("ret", "return");
    flow.chain("start", "times").exec("times.body", "while").exec("while.body", "br").exec("br.true", "stop");
    flow.exec("br.false", "on").exec("times.completed", "ret").data("times.results", "ret.results");
    const on = bench(flow);
    let turn = 0;
    work(on, (node) =>
      node === "cmp" ? { outputs: { result: turn < 5 } } : { exec: [turn++ % 2 === 0 ? "false" : "true"] },
    );
    return on;
  },
  "retry-with-late-results": () => {
    const flow = start()
      .node("a", "base_debug", { policy: { retry: { ...retry, max_attempts: 3 } } })
      .node("ret", "return");
    const on = bench(flow.chain("start", "a", "ret").data("a.value", "ret.value"));
    const [first] = on.work;
    if (first) on.answer(first, failing());
    if (first) on.answer(first, { outputs: { value: "too late" } });
    on.fireNext();
    if (first) on.answer(first, { outputs: { value: "later still" } });
    work(on);
    return on;
  },
  "error-pin": () => {
    const flow = start()
      .node("a", "base_debug")
      .node("b", "base_debug")
      .node("ret", "return")
      .node("bad", "return", { config: { status_code: 502 } });
    flow.chain("start", "a", "ret").exec("a.error", "b").chain("b", "bad").data("a.error", "bad.why");
    const on = bench(flow);
    work(on, (node) => (node === "a" ? failing("Fatal") : undefined));
    return on;
  },
  "sleep-and-deadline": () => {
    const flow = start().node("nap", "control_sleep", { constants: { seconds: 90 } });
    flow
      .node("a", "base_debug", { policy: { deadline: "5s" } })
      .node("ret", "return")
      .chain("start", "nap", "a", "ret");
    const on = bench(flow);
    on.fireNext();
    on.fireNext();
    return on;
  },
  signals: () => {
    const flow = start().node("first", "control_wait_signal", { config: { signal: "go" } });
    flow.node("then", "control_wait_signal", { config: { signal: "more", timeout: "10s" } }).node("ret", "return");
    flow
      .chain("start", "first", "then")
      .exec("then.timeout", "ret")
      .data("first.payload", "ret.go")
      .exec("then", "ret");
    const on = bench(flow);
    const send = (signal: string, id: string): void =>
      on.append({ v: 1, kind: "signal", run: "run1", signal, payload: { id }, id });
    send("nobody", "g1");
    send("go", "g2");
    send("go", "g2");
    on.fireNext();
    return on;
  },
  "pause-resume-cancel": () => {
    const flow = start()
      .node("a", "base_debug")
      .node("b", "base_debug")
      .node("ret", "return")
      .chain("start", "a", "b", "ret");
    const on = bench(flow);
    const control = (action: "pause" | "resume" | "cancel"): void =>
      on.append({ v: 1, kind: "control", run: "run1", action });
    control("pause");
    const [a] = on.work;
    if (a) on.answer(a, {});
    control("resume");
    control("cancel");
    on.fireNext();
    return on;
  },
  "incident-and-retry": () => {
    const flow = start({ error_strategy: "pause" })
      .node("a", "base_debug")
      .node("ret", "return")
      .chain("start", "a", "ret");
    const on = bench(flow);
    work(on, () => failing("Broken"));
    on.append({ v: 1, kind: "control", run: "run1", action: "retry", node: "a" });
    work(on);
    return on;
  },
  subflow: () => {
    const flow = start()
      .node("call", "control_subflow", { config: { flow: "child" } })
      .node("ret", "return");
    const on = bench(flow.chain("start", "call", "ret").data("call.result", "ret.child"));
    const [child] = on.children;
    if (child) on.append({ v: 1, kind: "child", run: "run1", execution: child.id, result: childResult });
    return on;
  },
  "sequence-and-undeliverable": () => {
    const flow = start()
      .node("seq", "control_sequence")
      .node("a", "base_debug")
      .node("b", "base_debug")
      .node("ret", "return");
    flow.chain("start", "seq").exec("seq.then_0", "a").exec("seq.then_1", "b").chain("b", "ret").exec("a.error", "ret");
    const on = bench(flow);
    const [a] = on.work.splice(0, 1);
    const error = { code: "PayloadTooLarge", message: "too large", retryable: false };
    if (a) on.append({ v: 1, kind: "undeliverable", run: "run1", id: a.entry.id, error });
    work(on);
    return on;
  },
  ...Object.fromEntries(Array.from({ length: 24 }, (_, seed) => [`random-${seed}`, () => random(seed)] as const)),
};

/** Whatever a seed brings, to the end. */
function random(seed: number): RunBench {
  const draw = seeded(seed);
  const flow = randomFlow(draw, { nodes: 8, loopDepth: 2, faults: true, control: true, types: simulatedTypes });
  const on = new RunBench(flow, { types: simulatedTypes });
  for (let turn = 0; turn < 2_000 && !on.result; turn++) {
    on.now += Math.floor(draw() * 50);
    const next = on.work[Math.floor(draw() * on.work.length)];
    if (next && (on.timers.size === 0 || draw() < 0.8)) {
      const exec = next.type === "logic_branch" ? { exec: [draw() < 0.5 ? "true" : "false"] } : {};
      on.answer(next, draw() < 0.15 ? failing() : { outputs: { value: { k: turn }, result: draw() < 0.4 }, ...exec });
    } else if (!on.fireNext()) {
      const [signal] = on.run.details.listeners.keys();
      if (signal === undefined) on.append({ v: 1, kind: "control", run: "run1", action: "retry" });
      else on.append({ v: 1, kind: "signal", run: "run1", signal, payload: turn, id: `g${turn}` });
    }
  }
  return on;
}
