/** However a run comes to its end: a recovery that folds to there asks for its `finished` message again. */
import { describe, expect, test } from "vitest";
import { fixtureTypes, flowBuilder } from "../../flow/testing.ts";
import type { RunMessage } from "../../nats/messages.ts";
import { foldRun } from "./fold.ts";
import { RunBench } from "./testing.ts";

const control = (action: "cancel" | "terminate"): RunMessage => ({ v: 1, kind: "control", run: "run1", action });

/** START leads to a RETURN and to a node that nobody answers. */
function withWorkInFlight(drain: "await" | "cancel"): RunBench {
  const flow = flowBuilder({ drain }).node("start", "start").node("slow", "base_debug").node("ret", "return");
  if (drain === "await") return new RunBench(flow.exec("start", "slow", "ret").build(), { types: fixtureTypes });
  return new RunBench(flow.chain("start", "slow", "ret").build(), { types: fixtureTypes });
}

const cases: [string, "await" | "cancel", (bench: RunBench) => void][] = [
  ["cancelled while it drains", "await", (bench) => bench.append(control("cancel"))],
  ["terminated while it drains", "await", (bench) => bench.append(control("terminate"))],
  [
    "terminated while it is cancelling",
    "cancel",
    (bench) => {
      bench.append(control("cancel"));
      bench.now += 1_000;
      bench.append(control("terminate"));
    },
  ],
  [
    "cancelled, with no answer within the grace",
    "cancel",
    (bench) => {
      bench.append(control("cancel"));
      bench.fireNext();
    },
  ],
];

describe("a run that is", () => {
  test.each(cases)("%s", (_, drain, end) => {
    const bench = withWorkInFlight(drain);
    const began = bench.now;
    bench.now += 5_000;
    end(bench);
    expect(bench.result?.statistics.total_time).toBe((bench.now - began) / 1000);
    const before = bench.log.at(-2)?.seq ?? 0;
    const asked = foldRun("run1", 0, bench.log).outstanding(before);
    expect(asked).toMatchObject([{ type: "append", id: "run1:finished" }]);
  });
});
