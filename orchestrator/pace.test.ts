import { describe, expect, test } from "vitest";
import { MAX_ENTRIES, Pace } from "./pace.ts";

const took = (...durations: number[]) => durations.map((duration_ms) => ({ duration_ms }));

describe("Pace", () => {
  test("a type of which nothing is known goes alone", () => {
    expect(new Pace().limitOf("new")).toBe(1);
  });

  test.each([
    { ms: 0, limit: MAX_ENTRIES },
    { ms: 0.1, limit: MAX_ENTRIES },
    { ms: 2, limit: 10 },
    { ms: 15, limit: 1 },
    { ms: 60_000, limit: 1 },
  ])("executions of $ms ms share a message by $limit", ({ ms, limit }) => {
    const pace = new Pace();
    pace.observe("t", took(ms, ms, ms));
    expect(pace.limitOf("t")).toBe(limit);
    expect(pace.limitOf("other")).toBe(1);
  });

  test("a slow one counts at once; quick ones win the room back little by little", () => {
    const pace = new Pace();
    pace.observe("t", took(...Array.from({ length: 50 }, () => 0.1)));
    pace.observe("t", took(5_000));
    expect(pace.limitOf("t")).toBe(1);
    pace.observe("t", took(0.1));
    expect(pace.limitOf("t")).toBe(1);
    pace.observe("t", took(...Array.from({ length: 200 }, () => 0.1)));
    expect(pace.limitOf("t")).toBe(MAX_ENTRIES);
  });
});
