/** Properties of the fold over random flows, random branches, random failures and random orders of results. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixtureTypes } from "../../flow/testing.ts";
import { foldRun, Run } from "./fold.ts";
import { type Answer, RunBench, seeded } from "./testing.ts";
import { type RandomFlowOptions, randomFlow } from "./testing-random-flow.ts";

const MAX_STEPS = 20_000;
/** What the random flows call their pure nodes. */
const PURE = /^(pure|cmp)/;

function answerFor(type: string, random: () => number, failures: number): Answer {
  if (random() < failures) return { error: { code: random() < 0.5 ? "Flaky" : "Broken", retryable: random() < 0.7 } };
  if (type === "logic_branch") return { exec: [random() < 0.5 ? "true" : "false"] };
  return { outputs: { value: { k: 1 }, result: random() < 0.5 } };
}

interface Played {
  readonly bench: RunBench;
  readonly executions: Map<string, number>;
}

interface Shape extends RandomFlowOptions {
  /** Somebody sets breakpoints, steps and goes on. */
  readonly debugged?: boolean;
}

function play(seed: number, options: Shape, failures: number, duplicates: number): Played {
  const random = seeded(seed);
  const flow = randomFlow(random, options);
  const someNodes = () => flow.nodes.map(({ id }) => id).filter((id) => !PURE.test(id) && random() < 0.4);
  const breakpoints = options.debugged ? { options: { breakpoints: someNodes() } } : {};
  const bench = new RunBench(flow, { types: fixtureTypes, ...breakpoints });
  const executions = new Map<string, number>();
  const answered: Parameters<RunBench["answer"]>[] = [];
  for (let step = 0; step < MAX_STEPS && !bench.result; step++) {
    if (options.debugged && random() < 0.2) {
      const nodes = random() < 0.1 ? { action: "breakpoints" as const, nodes: someNodes() } : undefined;
      const action = random() < 0.5 ? "step" : "continue";
      bench.append({ v: 1, kind: "control", run: "run1", id: `k${step}`, ...(nodes ?? { action }) });
      continue;
    }
    if (answered.length > 0 && random() < duplicates) {
      const again = answered[Math.floor(random() * answered.length)];
      if (again) bench.answer(again[0], answerFor(again[0].type, random, failures));
      continue;
    }
    const work = bench.work[Math.floor(random() * bench.work.length)];
    if (!work || (bench.timers.size > 0 && random() < 0.2)) {
      if (!bench.fireNext() && !work && !options.debugged) break;
      continue;
    }
    executions.set(work.entry.id, (executions.get(work.entry.id) ?? 0) + 1);
    bench.answer(work, answerFor(work.type, random, failures));
    answered.push([work, { outputs: {} }]);
  }
  return { bench, executions };
}

const shapes: [string, Shape, number, number][] = [
  ["acyclic flows with branches", { nodes: 12 }, 0, 0],
  ["flows whose nodes fail", { nodes: 12 }, 0.15, 0],
  ["flows with loops in loops", { nodes: 8, loopDepth: 2 }, 0.05, 0],
  [
    "flows with retries, sleeps and error pins, results delivered twice",
    { nodes: 10, loopDepth: 1, faults: true },
    0.2,
    0.3,
  ],
  [
    "runs that are held at breakpoints and stepped, results delivered twice",
    { nodes: 8, loopDepth: 1, faults: true, debugged: true },
    0.15,
    0.2,
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

test("while a node is held nothing starts but by a step or by going on", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      const { bench } = play(seed, { nodes: 10, loopDepth: 1, faults: true, debugged: true }, 0.15, 0.2);
      const [first] = bench.log;
      if (first?.kind !== "run" || first.message.kind !== "submitted") throw new Error("the log begins elsewhere");
      const run = new Run(first.message, { partition: 0, seq: first.seq, timeMs: first.timeMs });
      const held = () => (run.details.debug?.held ?? []).filter(({ activation }) => activation.state === "held");
      run.begin();
      for (const entry of bench.log.slice(1)) {
        const before = held();
        const control = entry.kind === "run" && entry.message.kind === "control" ? entry.message.action : undefined;
        const sent = run.apply(entry).filter(({ type }) => type === "sendExec" || type === "sendData");
        const after = held();
        const isStill = before.some((one) => after.includes(one));
        if (isStill || control === "breakpoints") expect(sent).toEqual([]);
        // A failure may cancel what is held: then the run goes on by itself.
        if (control === undefined && isStill) expect(before).toEqual(expect.arrayContaining(after));
        if (after.length > 0) expect(run.state).toBe("paused");
      }
    }),
    { numRuns: 300 },
  );
});
