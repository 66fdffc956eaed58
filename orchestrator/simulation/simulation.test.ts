/** Thousands of small worlds in which everything goes wrong that may. `npm run test:simulate` runs more of them. */
import { describe, expect, test } from "vitest";
import { campaign, describeFailure } from "./testing-campaign.ts";
import { simulate } from "./testing-simulation.ts";

/** As many as a test can take: more than enough to meet each fault hundreds of times. */
const BATCH = 200;
const BATCHES = 7;

describe("runs survive crashes, zombies, lost and late answers, repeated and reordered messages, a lost queue", () => {
  test.each(Array.from({ length: BATCHES }, (_, at) => 1 + at * BATCH))(
    `${BATCH} seeds from %i`,
    async (from) => {
      const { failed, runs, faults } = await campaign({ from, seeds: BATCH });
      expect(failed.map(describeFailure)).toEqual([]);
      expect(runs).toBeGreaterThan(BATCH);
      // A fault that never strikes is not tested.
      for (const [fault, count] of faults) expect(count, fault).toBeGreaterThan(5);
      expect(faults.size).toBe(15);
    },
    120_000,
  );
});

test("a seed decides on everything: the same one gives the same trace", async () => {
  for (const seed of [3, 14, 159]) {
    const first = await simulate(seed, { trace: true });
    const again = await simulate(seed, { trace: true });
    expect(again.trace).toEqual(first.trace);
    expect(again.hash).toBe(first.hash);
    expect(first.messages).toBeGreaterThan(0);
  }
});
