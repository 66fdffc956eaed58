/** Logs of runs for tests: random flows played on the engine's workbench, with everything that can happen to a run. */

import type { NodeTypes } from "../../../flow/index.ts";
import { fixtureTypes, nodeTypeFixture } from "../../../flow/testing.ts";
import { type Answer, RunBench, seeded } from "../../../orchestrator/run/testing.ts";
import { type RandomFlowOptions, randomFlow } from "../../../orchestrator/run/testing-random-flow.ts";

export const types: NodeTypes = new Map([
  ...fixtureTypes,
  [
    "control_wait_signal",
    nodeTypeFixture("control_wait_signal", {
      kind: "wait_signal",
      outputs: { payload: "any" },
      exec: ["finish", "timeout"],
    }),
  ],
]);

const MAX_STEPS = 2_000;

function answerFor(type: string, random: () => number, failures: number): Answer {
  if (random() < failures) return { error: { code: "Flaky", retryable: random() < 0.7 } };
  if (type === "logic_branch") return { exec: [random() < 0.5 ? "true" : "false"] };
  return { outputs: { value: { k: 1 }, result: random() < 0.5 } };
}

/** The same seed gives the same log. `onLog` is called after each entry, with the bench as it stands. */
export function playedRun(seed: number, options: Omit<RandomFlowOptions, "types">, failures: number): RunBench {
  const random = seeded(seed);
  const flow = randomFlow(random, { ...options, types });
  const actors = flow.nodes.filter(({ type }) => ["base_debug", "logic_branch", "return"].includes(type));
  const breakpoints = random() < 0.3 ? actors.filter(() => random() < 0.2).map(({ id }) => id) : [];
  const bench = new RunBench(flow, { types, options: breakpoints.length > 0 ? { breakpoints } : {} });
  const control = (action: "pause" | "resume" | "retry" | "step" | "continue" | "cancel"): void =>
    bench.append({ v: 1, kind: "control", run: bench.run.id, action });
  for (let step = 0; step < MAX_STEPS && !bench.result; step++) {
    bench.now += Math.floor(random() * 20);
    if (bench.run.state === "paused") {
      control(bench.run.details.incidents > 0 ? "retry" : random() < 0.5 ? "step" : "continue");
      if (bench.run.state === "paused" && random() < 0.5) control("resume");
      continue;
    }
    const roll = random();
    if (roll < 0.01) control("pause");
    else if (roll < 0.012) control("cancel");
    else if (roll < 0.05) signal(bench, random, step);
    else if (!answerSome(bench, random, failures) && !bench.fireNext()) signal(bench, random, step);
  }
  return bench;
}

function signal(bench: RunBench, random: () => number, step: number): void {
  const name = `s${Math.floor(random() * 3)}`;
  bench.append({ v: 1, kind: "signal", run: bench.run.id, signal: name, payload: step, id: `signal-${step}` });
}

function answerSome(bench: RunBench, random: () => number, failures: number): boolean {
  const work = bench.work[Math.floor(random() * bench.work.length)];
  if (!work || (bench.timers.size > 0 && random() < 0.2)) return false;
  const duration = random() * 10;
  bench.answer(work, answerFor(work.type, random, failures), duration);
  return true;
}
