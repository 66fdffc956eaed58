import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assign, createActor, setup } from "xstate";
import { type Chart, ChartRunner, type ChartTransition, compileChart } from "./chart-runner.ts";
import { runChart } from "./machine.ts";
import { xstateMachine } from "./xstate-machine.ts";

const STATES = ["a", "b", "c", "d", "end"] as const;
const EVENTS = ["x", "y", "z"] as const;
type S = (typeof STATES)[number];
type G = "low" | "even" | "high";
type A = "add" | "drop" | "note";
type E = (typeof EVENTS)[number];

interface Counter {
  n: number;
  readonly trail: string[];
}
interface Ev {
  readonly type: E;
  readonly by: number;
}

const guards = {
  low: (counter: Counter) => counter.n < 3,
  even: (counter: Counter) => counter.n % 2 === 0,
  high: (counter: Counter, event: Ev) => counter.n + event.by > 6,
};
const actions = {
  add: (counter: Counter, event: Ev) => {
    counter.n += event.by;
    counter.trail.push(`add ${event.by}`);
  },
  drop: (counter: Counter) => {
    counter.n -= 2;
    counter.trail.push("drop");
  },
  note: (counter: Counter, event: Ev) => void counter.trail.push(`note ${event.type} at ${counter.n}`),
};

const transition = (always: boolean): fc.Arbitrary<ChartTransition<S, G, A>> =>
  fc.record(
    {
      // An eventless transition must lead on, or both would go round for ever.
      guard: fc.constantFrom<G>("low", "even", "high"),
      target: always ? fc.constant<S>("end") : fc.constantFrom(...STATES),
      actions: fc.array(fc.constantFrom<A>("add", "drop", "note"), { maxLength: 3 }),
    },
    { requiredKeys: always ? ["guard", "target"] : [] },
  );
const offer = fc.array(transition(false), { minLength: 1, maxLength: 3 });
const state = fc.record(
  {
    entry: fc.constantFrom<A>("add", "drop", "note"),
    always: fc.array(transition(true), { maxLength: 2 }),
    on: fc.record({ x: offer, y: offer, z: offer }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const chart: fc.Arbitrary<Chart<S, G, A, E>> = fc
  .record({ a: state, b: state, c: state, d: state })
  .map((states) => ({ initial: "a", states: { ...states, end: { type: "final", entry: "note" } } }));
const events = fc.array(fc.record({ type: fc.constantFrom(...EVENTS), by: fc.integer({ min: 0, max: 3 }) }), {
  maxLength: 20,
});

function byXState(drawn: Chart<S, G, A, E>, taken: readonly Ev[]): { state: unknown; counter: Counter } {
  type Context = { counter: Counter };
  const act = (run: (counter: Counter, event: Ev) => void) =>
    assign<Context, Ev, undefined, Ev, never>(({ context, event }) => {
      run(context.counter, event);
      return {};
    });
  const counter: Counter = { n: 0, trail: [] };
  // Its types want a chart that is known when the program is written.
  const machine = setup({
    types: {} as { context: Context; events: Ev },
    guards: {
      low: ({ context }) => guards.low(context.counter),
      even: ({ context }) => guards.even(context.counter),
      high: ({ context, event }) => guards.high(context.counter, event),
    },
    actions: { add: act(actions.add), drop: act(actions.drop), note: act(actions.note) },
  }).createMachine({ context: { counter }, ...(drawn as object) });
  const actor = createActor(machine, { snapshot: machine.resolveState({ value: "a", context: { counter } }) });
  actor.start();
  for (const event of taken) if (actor.getSnapshot().status === "active") actor.send(event);
  return { state: actor.getSnapshot().value, counter };
}

function byRunner(drawn: Chart<S, G, A, E>, taken: readonly Ev[]): { state: S; counter: Counter } {
  const counter: Counter = { n: 0, trail: [] };
  const runner = new ChartRunner(compileChart(drawn, { guards, actions }), counter, drawn.initial);
  for (const event of taken) if (!runner.done) runner.send(event);
  return { state: runner.state, counter };
}

describe("ChartRunner", () => {
  test("goes through any flat chart as XState does", () => {
    fc.assert(
      fc.property(chart, events, (drawn, taken) => {
        expect(byRunner(drawn, taken)).toEqual(byXState(drawn, taken));
      }),
      { numRuns: 1_000 },
    );
  });

  test("XState takes the run's chart for a machine of its own", () => {
    const machine = xstateMachine();
    expect(Object.keys(machine.states).sort()).toEqual(Object.keys(runChart.states).sort());
  });
});
