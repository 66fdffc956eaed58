/** A long log for measurements: a loop whose iterations run several at once, each of two nodes and a pure one. */
import { flowBuilder } from "../../../flow/testing.ts";
import { RunBench } from "../../../orchestrator/run/testing.ts";
import type { LogEntry } from "../api/answers.ts";
import { types } from "./testing-history.ts";

/** `entries`: about how many there will be. */
export function longLog(entries: number, concurrency = 8): readonly LogEntry[] {
  const list = Array.from({ length: Math.ceil(entries / 3) }, (_, index) => index);
  const flow = flowBuilder()
    .node("start", "start")
    .node("each", "control_for_each", { config: { concurrency }, constants: { list } })
    .node("double", "math_add", { constants: { y: 1 } })
    .node("show", "base_debug")
    .node("after", "base_debug")
    .node("return", "return")
    .exec("start", "each")
    .exec("each.body", "show")
    .exec("show", "after")
    .exec("each.completed", "return")
    .data("each.item", "double.x")
    .data("double.result", "show.value")
    .data("show.value", "after.value")
    .build();
  const bench = new RunBench(flow, { types });
  while (!bench.result) {
    const work = bench.work[0];
    if (!work) break;
    bench.now += 1;
    bench.answer(work, { outputs: { result: bench.log.length, value: { number: bench.log.length } } });
  }
  return bench.log;
}
