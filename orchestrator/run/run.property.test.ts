/** Properties of the fold over random flows, random branches, random failures and random orders of results. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixtureTypes } from "../../flow/testing.ts";
import { foldRun, Run } from "./fold.ts";
import { type Answer, RunBench, seeded } from "./testing.ts";
import { type RandomFlowOptions, randomFlow } from "./testing-random-flow.ts";

const MAX_STEPS = 20_000;

function answerFor(type: string, random: () => number, failures: number): Answer {
  if (random() < failures) return { error: { code: random() < 0.5 ? "Flaky" : "Broken", retryable: random() < 0.7 } };
  if (type === "logic_branch") return { exec: [random() < 0.5 ? "true" : "false"] };
  return { outputs: { value: { k: 1 }, result: random() < 0.5 } };
}

interface Played {
  readonly bench: RunBench;
  readonly executions: Map<string, number>;
}

function play(seed: number, options: RandomFlowOptions, failures: number, duplicates: number): Played {
  const random = seeded(seed);
  const flow = randomFlow(random, options);
  const bench = new RunBench(flow, { types: fixtureTypes });
  const executions = new Map<string, number>();
  const answered: Parameters<RunBench["answer"]>[] = [];
  for (let step = 0; step < MAX_STEPS && !bench.result; step++) {
    if (answered.length > 0 && random() < duplicates) {
      const again = answered[Math.floor(random() * answered.length)];
      if (again) bench.answer(again[0], answerFor(again[0].type, random, failures));
      continue;
    }
    const work = bench.work[Math.floor(random() * bench.work.length)];
    if (!work || (bench.timers.size > 0 && random() < 0.2)) {
      if (!bench.fireNext() && !work) break;
      continue;
    }
    executions.set(work.entry.id, (executions.get(work.entry.id) ?? 0) + 1);
    bench.answer(work, answerFor(work.type, random, failures));
    answered.push([work, { outputs: {} }]);
  }
  return { bench, executions };
}

const shapes: [string, RandomFlowOptions, number, number][] = [
  ["acyclic flows with branches", { nodes: 12 }, 0, 0],
  ["flows whose nodes fail", { nodes: 12 }, 0.15, 0],
  ["flows with loops in loops", { nodes: 8, loopDepth: 2 }, 0.05, 0],
  [
    "flows with retries, sleeps and error pins, results delivered twice",
    { nodes: 10, loopDepth: 1, faults: true },
    0.2,
    0.3,
  ],
];

describe.each(shapes)("%s", (_, options, failures, duplicates) => {
  test("end, and run each activation at most once", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const { bench, executions } = play(seed, options, failures, duplicates);
        // S1 and S2 are asserted by the code itself: an edge that resolves twice throws.
        expect(bench.result, "the run ended").toBeDefined();
        for (const [id, times] of executions) expect(times, id).toBe(1);
        expect(bench.commands.filter((command) => command.type === "append")).toHaveLength(1);
        const sent = bench.commands.flatMap((c) =>
          c.type === "sendExec" || c.type === "sendData" ? [c.entry.id] : [],
        );
        expect(new Set(sent).size).toBe(sent.length);
      }),
      { numRuns: 400 },
    );
  });

  test("give the same state when their log is folded again, also with every message doubled", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const { bench } = play(seed, options, failures, duplicates);
        expect(foldRun("run1", 0, bench.log).result).toEqual(bench.result);
        const doubled = bench.log.flatMap((entry) => [entry, entry]);
        expect(foldRun("run1", 0, doubled).result).toEqual(bench.result);
      }),
      { numRuns: 200 },
    );
  });

  test("go on from a snapshot taken anywhere as if nothing had been", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(100), (seed, cut) => {
        const { bench } = play(seed, options, failures, duplicates);
        const until = 1 + Math.floor((cut / 100) * (bench.log.length - 1));
        const [first] = bench.log;
        if (first?.kind !== "run" || first.message.kind !== "submitted") throw new Error("the log begins elsewhere");
        const half = foldRun("run1", 0, bench.log, until);
        if (half.result) return;
        const stored = JSON.parse(JSON.stringify(half.snapshot()));
        const resumed = Run.resume(stored, first.message.flow, first.message.types);
        expect(resumed.outstanding(0)).toEqual(half.outstanding(0));
        for (const entry of bench.log.slice(until)) resumed.apply(entry);
        expect(resumed.result).toEqual(bench.result);
      }),
      { numRuns: 200 },
    );
  });

  test("ask for the same work after a recovery in the middle", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(100), (seed, cut) => {
        const { bench } = play(seed, options, failures, duplicates);
        const until = 1 + Math.floor((cut / 100) * (bench.log.length - 1));
        const live = new Set<string>();
        const half = foldRun("run1", 0, bench.log, until);
        const again = half.outstanding(0);
        for (const command of again) {
          if (command.type === "sendExec" || command.type === "sendData") live.add(command.entry.id);
        }
        expect([...live].sort()).toEqual([...half.details.inFlight.keys()].sort());
        const first = new Map(
          bench.commands.flatMap((c) =>
            c.type === "sendExec" || c.type === "sendData" ? [[c.entry.id, c] as const] : [],
          ),
        );
        for (const command of again) {
          if (command.type === "sendExec" || command.type === "sendData")
            expect(command).toEqual(first.get(command.entry.id));
        }
      }),
      { numRuns: 200 },
    );
  });
});
