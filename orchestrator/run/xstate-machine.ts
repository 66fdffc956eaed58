/**
 * The run machine as XState's own: for XState's tools (diagrams, the inspector), and to hold `ChartRunner` against. Runs
 * go through `startMachine`, which reads the same chart.
 */
import { assign, setup } from "xstate";
import { actions, guards, type RunEventIn, runChart } from "./machine.ts";
import type { RunState } from "./run-state.ts";

interface RunContext {
  readonly run: RunState;
}

interface Args {
  readonly context: RunContext;
  readonly event: RunEventIn;
}

/** An XState machine of the same chart; `createActor(xstateMachine(), {input: {run}})` takes a run through it. */
export function xstateMachine() {
  return setup({
    types: {} as { context: RunContext; input: { run: RunState }; events: RunEventIn },
    guards: mapped(
      guards,
      (guard) =>
        ({ context, event }: Args) =>
          guard(context.run, event),
    ),
    actions: mapped(actions, (act) =>
      // Assigns, so that they run in order with the guards of `always`.
      assign<RunContext, RunEventIn, undefined, RunEventIn, never>(({ context, event }) => {
        act(context.run, event);
        return {};
      }),
    ),
  }).createMachine({ id: "run", context: ({ input }) => ({ run: input.run }), ...runChart });
}

function mapped<K extends string, F, T>(record: Readonly<Record<K, F>>, map: (one: F) => T): Record<K, T> {
  return Object.fromEntries(Object.entries<F>(record).map(([name, one]) => [name, map(one)])) as Record<K, T>;
}
