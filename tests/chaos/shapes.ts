/**
 * The flows of a campaign. Each comes with all that it must give: its result, and the activations that have an effect.
 * A transition that is skipped, or applied twice, shows in one of them.
 */
import { flowBuilder } from "../../flow/testing.ts";
import type { Random } from "./random.ts";

/** What the campaign does to a run once its first effect has happened. */
export type Drive = { readonly type: "signal"; readonly payload: number } | { readonly type: "cancel" };

export interface Plan {
  readonly shape: ShapeName;
  /** Plans of one variant execute the same number of nodes. */
  readonly variant: string;
  readonly flow: unknown;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly expected: {
    readonly status: "succeeded" | "failed" | "cancelled";
    readonly result: Readonly<Record<string, unknown>> | null;
    readonly error: string | null;
  };
  /** `node@scope` of everything that must have an effect; and nothing else may. */
  readonly activations: readonly string[];
  /** Of a child run: the activation that waits for it, and what must have an effect in it. */
  readonly child?: { readonly of: string; readonly activations: readonly string[] };
  readonly drive?: Drive;
  /** How long to wait with that, ms. */
  readonly driveAfterMs?: number;
  /** A global variable, and what this run adds to it. */
  readonly counter?: { readonly name: string; readonly adds: number };
  /** The second activation may not begin before so many ms have passed since the first. */
  readonly sleeps?: { readonly before: string; readonly after: string; readonly ms: number };
}

export const shapeWeights = {
  chain: 20,
  fan: 15,
  branch: 14,
  each: 14,
  counter: 8,
  flaky: 8,
  sleep: 6,
  signal: 6,
  subflow: 5,
  cancel: 2,
  fail: 2,
  rest: 1.5,
  rest_signal: 1.5,
} as const;
export type ShapeName = keyof typeof shapeWeights;

/** A variable remembers its last 64 increments: so many runs of all shapes, of which one in twelve counts, share one. */
const RUNS_PER_COUNTER = 60;
/** An idle run leaves the orchestrator's memory after 10 s. */
const REST_MS = [11_000, 16_000] as const;

const done = { config: { name: "done" } };
const work = (by: number) => ({ config: { by, work_ms: 15 } });
const ok = (result: Record<string, unknown>) => ({ status: "succeeded", result, error: null }) as const;

const chain = flowBuilder({ name: "chaos-chain" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("b", "chaos_step", work(10))
  .node("c", "chaos_step", work(100))
  .node("d", "chaos_step", work(1_000))
  .node("ret", "return", done)
  .chain("start", "a", "b", "c", "d", "ret")
  .data("start.value", "a.value")
  .data("a.value", "b.value")
  .data("b.value", "c.value")
  .data("c.value", "d.value")
  .data("d.value", "ret.value")
  .build();

const fanBuilder = flowBuilder({ name: "chaos-fan" }).node("start", "start").node("sum", "chaos_sum");
for (const [at, name] of ["a", "b", "c", "d"].entries()) {
  fanBuilder
    .node(name, "chaos_step", work(10 ** at))
    .chain("start", name, "sum")
    .data("start.value", `${name}.value`)
    .data(`${name}.value`, `sum.${name}`);
}
const fan = fanBuilder.node("ret", "return", done).chain("sum", "ret").data("sum.value", "ret.value").build();

const branch = flowBuilder({ name: "chaos-branch" })
  .node("start", "start")
  .node("big", "logic_compare", { config: { operator: ">=" }, constants: { b: 50 } })
  .node("fork", "logic_branch")
  .node("high", "chaos_step", work(1))
  .node("low", "chaos_step", work(2))
  .node("more", "math_add", { constants: { y: 7 } })
  .node("round", "data_to_int")
  .node("join", "chaos_step", work(1))
  .node("ret", "return", done)
  .chain("start", "fork")
  .exec("fork.true", "high")
  .exec("fork.false", "low")
  .exec("high", "join")
  .exec("low", "join")
  .chain("join", "ret")
  .data("start.value", "big.a")
  .data("big.result", "fork.condition")
  .data("start.value", "high.value")
  .data("start.value", "low.value")
  .data("start.value", "more.x")
  .data("more.result", "round.value")
  .data("round.result", "join.value")
  .data("join.value", "ret.value")
  .build();

const each = flowBuilder({ name: "chaos-each" })
  .node("start", "start")
  .node("each", "control_for_each", { config: { concurrency: 4 } })
  .node("body", "chaos_step", work(10))
  .node("ret", "return", done)
  .chain("start", "each")
  .exec("each.body", "body")
  .exec("each.completed", "ret")
  .data("start.list", "each.list")
  .data("each.item", "body.value")
  .data("body.value", "each.collect")
  .data("each.results", "ret.results")
  .data("each.count", "ret.count")
  .build();

const counter = (name: string) =>
  flowBuilder({ name: "chaos-counter" })
    .node("start", "start")
    .node("times", "control_repeat")
    .node("own", "variables_increment", { config: { variable_name: "n" } })
    .node("all", "variables_increment", { config: { variable_name: name, scope: "global" } })
    .node("n", "variables_get", { config: { variable_name: "n" } })
    .node("ret", "return", done)
    .chain("start", "times")
    .exec("times.body", "own", "all")
    .exec("times.completed", "ret")
    .data("start.times", "times.times")
    .data("n.value", "ret.total")
    .build();

const flaky = (succeedsAt: number) =>
  flowBuilder({ name: "chaos-flaky" })
    .node("start", "start")
    .node("try", "chaos_flaky", {
      config: { succeeds_at: succeedsAt },
      policy: {
        retry: {
          max_attempts: 20,
          initial_interval: "100ms",
          max_interval: "500ms",
          backoff: 2,
          jitter: true,
          non_retryable: [],
        },
      },
    })
    .node("ret", "return", done)
    .chain("start", "try", "ret")
    .data("start.value", "try.value")
    .data("try.value", "ret.value")
    .build();

const sleep = flowBuilder({ name: "chaos-sleep" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("nap", "control_sleep")
  .node("b", "chaos_step", work(1))
  .node("ret", "return", done)
  .chain("start", "a", "nap", "b", "ret")
  .data("start.value", "a.value")
  .data("start.seconds", "nap.seconds")
  .data("a.value", "b.value")
  .data("b.value", "ret.value")
  .build();

const signal = flowBuilder({ name: "chaos-signal" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("b", "chaos_step", work(1))
  .node("ret", "return", done)
  .chain("start", "a", "wait", "b", "ret")
  .data("start.value", "a.value")
  .data("wait.payload", "b.value")
  .data("b.value", "ret.value")
  .build();

const child = flowBuilder({ name: "chaos-child" })
  .node("start", "start")
  .node("x", "chaos_step", work(1))
  .node("y", "chaos_step", work(1))
  .node("ret", "return", done)
  .chain("start", "x", "y", "ret")
  .data("start.value", "x.value")
  .data("x.value", "y.value")
  .data("y.value", "ret.value")
  .build();

const subflow = flowBuilder({ name: "chaos-subflow" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("sub", "control_subflow", { config: { flow: child } })
  .node("ret", "return", done)
  .chain("start", "a", "sub", "ret")
  .data("start.value", "a.value")
  .data("a.value", "sub.value")
  .data("sub.result", "ret.child")
  .build();

const fail = flowBuilder({ name: "chaos-fail" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("boom", "control_fail", { constants: { message: "as planned" } })
  .node("never", "chaos_step", work(1))
  .node("ret", "return", done)
  .chain("start", "a", "boom", "never", "ret")
  .data("start.value", "a.value")
  .data("a.value", "never.value")
  .data("never.value", "ret.value")
  .build();

/** The next run, by chance; `serial` numbers the campaign's runs. */
export function nextPlan(random: Random, serial: number, weights: Partial<Record<ShapeName, number>>): Plan {
  return planOf(random.weighted<ShapeName>({ ...shapeWeights, ...weights }), random, serial);
}

function planOf(shape: ShapeName, random: Random, serial: number): Plan {
  const value = random.whole(0, 99);
  const common = { shape, variant: shape, inputs: { value } };
  switch (shape) {
    case "chain":
      return { ...common, flow: chain, expected: ok({ value: value + 1_111 }), activations: at("a", "b", "c", "d") };
    case "fan":
      return {
        ...common,
        flow: fan,
        expected: ok({ value: 4 * value + 1_111 }),
        activations: at("a", "b", "c", "d", "sum"),
      };
    case "branch":
      return {
        ...common,
        flow: branch,
        expected: ok({ value: value + 8 }),
        activations: at(value >= 50 ? "high" : "low", "join"),
      };
    case "each": {
      const list = Array.from({ length: random.whole(1, 12) }, () => random.whole(0, 99));
      return {
        ...common,
        variant: `each ${list.length}`,
        flow: each,
        inputs: { list },
        expected: ok({ results: list.map((item) => item + 10), count: list.length }),
        activations: list.map((_, index) => `body@each[${index}]`),
      };
    }
    case "counter": {
      const times = random.whole(2, 6);
      const name = `chaos-${Math.floor(serial / RUNS_PER_COUNTER)}`;
      return {
        ...common,
        variant: `counter ${times}`,
        flow: counter(name),
        inputs: { times },
        expected: ok({ total: times }),
        activations: [],
        counter: { name, adds: times },
      };
    }
    case "flaky": {
      const succeedsAt = random.whole(1, 3);
      return {
        ...common,
        variant: `flaky ${succeedsAt}`,
        flow: flaky(succeedsAt),
        expected: ok({ value: value + 1 }),
        activations: at("try"),
      };
    }
    case "sleep":
    case "rest": {
      const seconds = shape === "rest" ? random.between(...REST_MS) / 1_000 : random.between(0.2, 3);
      return {
        ...common,
        flow: sleep,
        inputs: { value, seconds },
        expected: ok({ value: value + 2 }),
        activations: at("a", "b"),
        sleeps: { before: "a@", after: "b@", ms: seconds * 1_000 },
      };
    }
    case "signal":
    case "rest_signal": {
      const payload = random.whole(0, 99);
      return {
        ...common,
        flow: signal,
        expected: ok({ value: payload + 1 }),
        activations: at("a", "b"),
        drive: { type: "signal", payload },
        driveAfterMs: shape === "rest_signal" ? random.between(...REST_MS) : (random.pick([0, 0, 200, 1_500]) ?? 0),
      };
    }
    case "subflow":
      return {
        ...common,
        flow: subflow,
        expected: ok({ child: { value: value + 3 } }),
        activations: at("a"),
        child: { of: "sub@#1", activations: at("x", "y") },
      };
    case "cancel":
      return {
        ...common,
        flow: signal,
        expected: { status: "cancelled", result: null, error: "RunCancelled" },
        activations: at("a"),
        drive: { type: "cancel" },
        driveAfterMs: random.between(0, 2_000),
      };
    case "fail":
      return {
        ...common,
        flow: fail,
        expected: { status: "failed", result: null, error: "Failed" },
        activations: at("a"),
      };
  }
}

function at(...nodes: string[]): string[] {
  return nodes.map((node) => `${node}@`);
}
