import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "./cron.ts";

function due(expression: string, timezone: string, after: string, count: number): string[] {
  const cron = parseCron(expression, timezone);
  const found: string[] = [];
  let at = Date.parse(after);
  while (found.length < count) {
    const next = cron.next(at);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(":00.000Z", "Z"));
    at = next;
  }
  return found;
}

describe("a cron expression is due", () => {
  test.each([
    ["every five minutes", "*/5 * * * *", "UTC", "2026-01-01T00:01:30Z", ["2026-01-01T00:05Z", "2026-01-01T00:10Z"]],
    ["on weekdays", "0 9 * * 1-5", "UTC", "2026-01-02T09:00:00Z", ["2026-01-05T09:00Z", "2026-01-06T09:00Z"]],
    ["by names", "0 9 * jan FRI-SUN", "UTC", "2026-01-01T10:00:00Z", ["2026-01-02T09:00Z", "2026-01-03T09:00Z"]],
    ["on Sunday as 7", "0 9 * * 7", "UTC", "2026-01-01T10:00:00Z", ["2026-01-04T09:00Z"]],
    [
      "on the day or the weekday",
      "0 0 13 * 5",
      "UTC",
      "2026-01-08T10:00:00Z",
      ["2026-01-09T00:00Z", "2026-01-13T00:00Z"],
    ],
    ["with seconds", "30 0 12 * * *", "UTC", "2026-01-01T12:00:00Z", ["2026-01-01T12:00:30.000Z"]],
    ["on a leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    ["over a missing leap year", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", ["2104-02-29T00:00Z"]],
    [
      "from a start in steps",
      "10/20 8 * * *",
      "UTC",
      "2026-01-01T08:10:00Z",
      ["2026-01-01T08:30Z", "2026-01-01T08:50Z"],
    ],
    ["@hourly", "@hourly", "UTC", "2026-01-01T08:10:00Z", ["2026-01-01T09:00Z"]],
    ["in a zone", "0 9 * * 1-5", "Europe/Berlin", "2026-03-27T09:00:00Z", ["2026-03-30T07:00Z"]],
    ["in a zone with half hours", "0 9 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", ["2026-01-01T03:30Z"]],
  ])("%s", (_, expression, timezone, after, expected) => {
    expect(due(expression, timezone, after, expected.length)).toEqual(expected);
  });
});

describe("where the clocks change", () => {
  test("a fixed time that the clock skips is due when it has skipped", () => {
    const expected = ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"];
    expect(due("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3)).toEqual(expected);
  });
  test("a fixed time that the clock shows twice is due once", () => {
    const expected = ["2026-10-25T00:30Z", "2026-10-26T01:30Z"];
    expect(due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual(expected);
    expect(due("30 2 * * *", "Europe/Berlin", "2026-10-25T00:40:00Z", 1)).toEqual(["2026-10-26T01:30Z"]);
  });
  test.each(["2026-03-28T23:45:00Z", "2026-10-24T23:45:00Z"])("an open hour follows real time, from %s", (after) => {
    const start = Date.parse(after) + 15 * 60_000;
    const expected = Array.from({ length: 10 }, (_, i) => new Date(start + i * 1_800_000).toISOString());
    const found = due("*/30 * * * *", "Europe/Berlin", after, 10).map((text) => new Date(text).toISOString());
    expect(found).toEqual(expected);
  });
  test("midnight that a zone skips is due at one o'clock", () => {
    expect(due("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", 1)).toEqual(["2026-09-06T04:00Z"]);
  });
});

test("what is due lies after the given time, and nothing lies between", () => {
  const minute = fc.constantFrom("*", "*/7", "0", "59", "10-20/3");
  const hour = fc.constantFrom("*", "*/5", "0", "2", "3", "23");
  const days = fc.constantFrom("* * *", "1 * *", "* 3,10 0", "15 * 1", "* * 6");
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia");
  const time = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) });
  fc.assert(
    fc.property(minute, hour, days, zone, time, (m, h, d, timezone, after) => {
      const cron = parseCron(`${m} ${h} ${d}`, timezone);
      const next = cron.next(after);
      if (next === undefined) return;
      expect(next).toBeGreaterThan(after);
      // From anywhere on the way it is the same.
      expect(cron.next(after + Math.floor((next - after) / 2))).toBe(next);
      expect(cron.next(next - 1)).toBe(next);
    }),
    { numRuns: 300 },
  );
});

test("a date that never comes gives undefined, soon", () => {
  expect(parseCron("0 0 31 2 *", "Europe/Berlin").next(0)).toBeUndefined();
});

test.each([
  ["x", "five fields"],
  ["* * *", "five fields"],
  ["* * * * * * *", "five fields"],
  ["60 * * * *", "minute"],
  ["0 24 * * *", "hour"],
  ["0 0 0 * *", "day"],
  ["0 0 * 13 *", "month"],
  ["0 0 * * 8", "weekday"],
  ["0 0 * * BAD", "weekday"],
  ["*/0 * * * *", "minute"],
  ["5-1 * * * *", "minute"],
  ["@every 5s", "five fields"],
])("%s is refused", (expression, why) => {
  expect(() => parseCron(expression)).toThrow(why);
});

test("a zone that is none is refused", () => {
  expect(() => parseCron("* * * * *", "Nowhere/Bad")).toThrow("no time zone");
});
