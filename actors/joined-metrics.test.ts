import { describe, expect, it } from "vitest";
import type { Sample } from "../telemetry/index.ts";
import { type CountingProcess, JoinedMetrics } from "./joined-metrics.ts";

const executed = (value: number): Sample => ({
  name: "rayflow_actor_executions_total",
  labels: ["math_add", "ok"],
  value,
});
const inFlight = (value: number): Sample => ({ name: "rayflow_actor_in_flight", labels: [], value });
const took = (...counts: number[]): Sample => ({
  name: "rayflow_actor_processing_seconds",
  labels: ["math_add"],
  counts,
  sum: counts.length,
});

/** A process that says what a test tells it to say; undefined: nothing. */
function counting(says: Sample[]): CountingProcess & { says: Sample[] | undefined } {
  const it = { says: says as Sample[] | undefined, isReady: true, metrics: async () => it.says };
  return it;
}

describe("what processes have counted, together", () => {
  it("is the sum of each series", async () => {
    const joined = new JoinedMetrics();
    const processes = [counting([executed(2), inFlight(1), took(1, 0)]), counting([executed(3), took(2, 5)])];
    expect(await joined.read(processes)).toEqual([executed(5), inFlight(1), { ...took(3, 5), sum: 4 }]);
  });

  it("of a process that has ended: its counters stay, its gauges go (J1, J2)", async () => {
    const joined = new JoinedMetrics();
    const first = counting([executed(2), inFlight(4)]);
    await joined.read([first]);
    expect(await joined.read([])).toEqual([executed(2)]);
    expect(await joined.read([counting([executed(1), inFlight(1)])])).toEqual([executed(3), inFlight(1)]);
  });

  it("of a process that does not answer: what it said last", async () => {
    const joined = new JoinedMetrics();
    const busy = counting([executed(2)]);
    await joined.read([busy]);
    busy.says = undefined;
    expect(await joined.read([busy])).toEqual([executed(2)]);
  });
});
