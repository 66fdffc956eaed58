import { expect, test } from "vitest";
import { verdictOf } from "./smoke-verdict.ts";

const rate = { name: "chain", figure: "steps/s", limit: { atLeast: 0.3 } } as const;
const latency = { name: "alone", figure: "p50 ms", limit: { atMost: 3 } } as const;

test("the best round of a rate counts", () => {
  const verdict = verdictOf(rate, [
    { engine: { "steps/s": 10 }, ceiling: { "steps/s": 100 } },
    { engine: { "steps/s": 40 }, ceiling: { "steps/s": 100 } },
  ]);
  expect(verdict).toMatchObject({ name: "chain: steps/s", passed: true, best: 0.4, ratios: [0.1, 0.4] });
});

test("a rate below the limit in every round fails", () => {
  expect(verdictOf(rate, [{ engine: { "steps/s": 29 }, ceiling: { "steps/s": 100 } }]).passed).toBe(false);
});

test("of a latency the lowest round counts, and one above the limit fails", () => {
  const slow = { engine: { "p50 ms": 8 }, ceiling: { "p50 ms": 2 } };
  const fast = { engine: { "p50 ms": 5 }, ceiling: { "p50 ms": 2 } };
  expect(verdictOf(latency, [slow, fast])).toMatchObject({ passed: true, best: 2.5 });
  expect(verdictOf(latency, [slow]).passed).toBe(false);
});

test("nothing measured fails", () => {
  expect(verdictOf(rate, []).passed).toBe(false);
  expect(verdictOf(latency, [{ engine: {}, ceiling: { "p50 ms": 1 } }]).passed).toBe(false);
});
