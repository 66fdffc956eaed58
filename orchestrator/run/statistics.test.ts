/** What a run's statistics say (DESIGN §4): activations, failures, and the time that each node took, in seconds. */
import { describe, expect, test } from "vitest";
import { fixtureTypes, flowBuilder, nodeTypeFixture } from "../../flow/testing.ts";
import type { RunResult } from "../../nats/messages.ts";
import { foldRun } from "./fold.ts";
import { type Answer, RunBench } from "./testing.ts";

const types = new Map([
  ...fixtureTypes,
  [
    "control_subflow",
    nodeTypeFixture("control_subflow", { kind: "subflow", openInputs: true, outputs: { result: "dict" } }),
  ],
]);

const retry = {
  max_attempts: 2,
  initial_interval: "1s",
  backoff: 1,
  max_interval: "1s",
  jitter: false,
  non_retryable: [],
};

/** A loop of three whose work may be tried twice, a subflow, and a node whose failure is put up with. */
const flow = flowBuilder()
  .node("start", "start")
  .node("each", "control_for_each", { constants: { list: [1, 2, 3] } })
  .node("work", "base_debug", { policy: { retry } })
  .node("sub", "control_subflow", { config: { flow: "child" } })
  .node("risky", "base_debug", { policy: { on_error: "continue" } })
  .node("skipped", "base_debug")
  .node("br", "logic_branch", { constants: { condition: true } })
  .node("ret", "return")
  .exec("start", "each")
  .exec("each.body", "work")
  .exec("each.completed", "sub")
  .chain("sub", "risky", "br")
  .exec("br.true", "ret")
  .exec("br.false", "skipped")
  .build();

const childResult: RunResult = {
  run_id: "c",
  success: true,
  status: "succeeded",
  return: "r",
  status_code: 200,
  result: {},
  error: null,
  statistics: { total_time: 9, nodes_executed: 7, nodes_failed: 5, nodes_skipped: 0, node_times: { x: 9 }, errors: [] },
};

/** The run at its end, the times of which are known to the millisecond. */
function ended(): RunBench {
  const on = new RunBench(flow, { types });
  const answer = (node: string, ms: number, what: Answer = {}): void => {
    const work = on.work.find(({ entry }) => entry.node === node);
    if (!work) throw new Error(`${node} was not asked for`);
    on.now += ms + 5;
    on.answer(work, what, ms);
  };
  const failed: Answer = { error: { code: "Broken" } };
  answer("work", 100);
  answer("work", 30, failed);
  on.fireNext();
  answer("work", 70);
  answer("work", 200);
  on.now += 400;
  const [child] = on.children;
  on.append({ v: 1, kind: "child", run: "run1", execution: child?.parent.execution ?? "", result: childResult });
  answer("risky", 50, failed);
  answer("br", 1, { exec: ["true"] });
  return on;
}

describe("a run's statistics", () => {
  const on = ended();
  const { result } = on;

  test("count activations: an iteration each, however many attempts it took, and what was skipped apart", () => {
    expect(result?.success).toBe(true);
    // start, each, 3 × work, sub, risky, br, ret
    expect(result?.statistics).toMatchObject({ nodes_executed: 9, nodes_skipped: 1 });
  });

  test("count as failed what failed in the end, also if the run went on; what another attempt mended did not fail", () => {
    expect(result?.statistics.nodes_failed).toBe(1);
    expect(result?.statistics.errors).toEqual([expect.objectContaining({ code: "Broken", node_id: "risky" })]);
  });

  test("add up a node's time over its iterations and attempts, as its actors measured it", () => {
    expect(result?.statistics.node_times).toMatchObject({ work: 0.4, risky: 0.05, br: 0.001 });
  });

  test("take the time of what the machine does itself from the log: a loop with all in it, a subflow with its child", () => {
    // Three iterations: what the actors took, 5 ms of way for each answer, and the second's wait for its next attempt.
    const loop = (100 + 30 + 70 + 200 + 4 * 5 + 1000) / 1000;
    expect(result?.statistics.node_times).toMatchObject({ each: loop, sub: 0.4, start: 0, ret: 0 });
    expect(result?.statistics.total_time).toBeCloseTo(loop + 0.4 + 0.055 + 0.006, 6);
  });

  test("hold a time for each node that ran, and for no other; a child's are its own", () => {
    const names = Object.keys(result?.statistics.node_times ?? {}).sort();
    expect(names).toEqual(["br", "each", "ret", "risky", "start", "sub", "work"]);
  });

  test("are the same when the log is folded again", () => {
    expect(foldRun("run1", 0, on.log).result?.statistics).toEqual(result?.statistics);
  });

  test("of a run that fails hold the error that ended it", () => {
    const failing = flowBuilder().node("start", "start").node("work", "base_debug").node("ret", "return");
    const bench = new RunBench(failing.chain("start", "work", "ret").build(), { types });
    const [work] = bench.work;
    bench.now += 20;
    if (work) bench.answer(work, { error: { code: "Broken" } }, 10);
    expect(bench.result).toMatchObject({
      success: false,
      error: { code: "Broken", node_id: "work" },
      statistics: {
        total_time: 0.02,
        nodes_executed: 2,
        nodes_failed: 1,
        node_times: { start: 0, work: 0.01 },
        errors: [{ code: "Broken", node_id: "work" }],
      },
    });
  });
});
