import { expect, test } from "vitest";
import { type Extent, Measurement } from "./measurement.ts";

/** A measurement on a clock that the test moves, with a processor that is always busy. */
function measurementOf(extent: Extent) {
  let now = 0;
  const measurement = new Measurement({ extent, now: () => now, readCpu: () => ({ all: now / 1000 }) });
  const end = (at: number, latencyMs = 1) => {
    now = at;
    return measurement.ended(latencyMs);
  };
  return { measurement, end };
}

const throughput = { type: "throughput", inFlight: 2, warmupMs: 100, measureMs: 1_000 } as const;

test("what ends while it warms up does not count, nor does the completion that it begins with", () => {
  const { measurement, end } = measurementOf(throughput);
  end(50);
  end(99);
  end(100);
  end(600);
  expect(end(1_100)).toBe("enough");
  expect(measurement.report).toMatchObject({ runs: 2, seconds: 1, cpuBefore: { all: 0.1 }, cpuAfter: { all: 1.1 } });
});

test("it lasts for a multiple of what is in flight, so that runs which end together count all or not at all", () => {
  const { measurement, end } = measurementOf({ ...throughput, warmupMs: 0 });
  // Two at a time, every 600 ms; the first begins it.
  for (const at of [600, 601, 1_200, 1_201]) expect(end(at)).toBe("again");
  // 1,200 ms have passed, but three runs have ended since: the one half of a pair is missing.
  expect(end(1_800)).toBe("enough");
  expect(measurement.report).toMatchObject({ runs: 4, seconds: 1.2 });
});

test("it asks for no more runs once it is over, and its report stays", () => {
  const { measurement, end } = measurementOf({ ...throughput, inFlight: 1, warmupMs: 0 });
  end(0);
  expect(end(1_000)).toBe("enough");
  const { report } = measurement;
  expect(end(2_000)).toBe("enough");
  expect(measurement.report).toBe(report);
});

test("latencies are of so many runs after so many that warm up", () => {
  const { measurement, end } = measurementOf({ type: "latency", warmupRuns: 2, runs: 3 });
  for (const [i, ms] of [90, 80, 3, 4].entries()) expect(end(i, ms)).toBe("again");
  expect(end(9, 5)).toBe("enough");
  expect(measurement.report?.latenciesMs).toEqual([3, 4, 5]);
});

test("of a hundred thousand latencies some thousands are kept", () => {
  const { measurement, end } = measurementOf({ type: "latency", warmupRuns: 1, runs: 100_000 });
  for (let i = 0; i <= 100_000; i++) end(i, i);
  const kept = measurement.report?.latenciesMs ?? [];
  expect(kept.length).toBeGreaterThan(2_000);
  expect(kept.length).toBeLessThanOrEqual(5_000);
  expect(measurement.report?.runs).toBe(100_000);
});
