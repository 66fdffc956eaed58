import { expect, test } from "vitest";
import { carriedLimits, limitError, limitsOf, limitsToCarry } from "./limits.ts";

test("limits that are not set are the defaults, and defaults do not travel with a run", () => {
  expect(limitsOf().subflow_depth).toBe(32);
  expect(limitsToCarry(limitsOf())).toBeUndefined();
  expect(limitsToCarry(limitsOf({ active_runs: 5 }))).toBeUndefined();
  expect(limitsToCarry(limitsOf({ iterations: 7, active_runs: 5 }))).toEqual({ iterations: 7 });
  expect(carriedLimits({ iterations: 7 })).toMatchObject({ iterations: 7, subflow_depth: 32 });
});

test("a limit that is not there, or off, is refused by name", () => {
  expect(() => limitsOf({ iteratons: 7 })).toThrow(/no limit is called iteratons: there are executions/);
  expect(() => limitsOf({ constructor: 7 })).toThrow(/constructor/);
  for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 33]) {
    expect(() => limitsOf({ subflow_depth: value })).toThrow(/subflow_depth is a whole number from 0 to 32/);
  }
});

test("the error says which limit it was and how to raise it", () => {
  expect(limitError("timers", 3, "stopped")).toMatchObject({
    code: "LimitExceeded",
    message: expect.stringMatching(/^stopped: more than 3 timers set at once.*--limit timers=/),
    details: { limit: "timers", max: 3 },
  });
});
