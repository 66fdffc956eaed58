import { describe, expect, test } from "vitest";
import { readTriggers, type ScheduledTrigger } from "../../flow/index.ts";
import { settleFiring } from "./firing.ts";
import { Pacer } from "./pacer.ts";
import { payloadInputs } from "./payload-inputs.ts";

function trigger(json: unknown): ScheduledTrigger {
  const [one] = readTriggers([json]).triggers;
  if (one?.type !== "cron" && one?.type !== "interval") throw new Error("not scheduled");
  return one;
}

describe("a firing", () => {
  const at = (text: string) => Date.parse(`2026-01-05T${text}Z`);
  const hourly = { every: "1h" };
  test.each([
    ["in time runs, and the next follows", hourly, "09:00:00", "09:00:01", "09:00:00", "10:00:00"],
    ["ahead of our clock runs all the same", hourly, "09:00:00", "08:59:59", "09:00:00", "10:00:00"],
    [
      "a little late runs, and what came due since fires too",
      { every: "10s" },
      "09:00:00",
      "09:00:25",
      "09:00:00",
      "09:00:10",
    ],
    ["missed, and many after it, runs for the last", hourly, "09:00:00", "12:30:00", "12:00:00", "13:00:00"],
    ["missed alone runs", hourly, "09:00:00", "09:30:00", "09:00:00", "10:00:00"],
    [
      "missed is skipped where that is wanted",
      { ...hourly, catch_up: "skip" },
      "09:00:00",
      "12:30:00",
      undefined,
      "13:00:00",
    ],
    ["of before the trigger is none", hourly, "07:00:00", "07:00:01", undefined, "09:00:00"],
    ["by cron", { cron: "30 9 * * *" }, "09:30:00", "09:30:01", "09:30:00", undefined],
  ])("%s", (_, json, due, now, run, next) => {
    const settled = settleFiring(trigger(json), at(due), at("08:00:00"), at(now));
    expect(settled.run).toBe(run && at(run));
    if (next !== undefined) expect(settled.next).toBe(at(next));
  });
});

describe("the pacer", () => {
  test("lets through so many per second, the rest later and in order", () => {
    let now = 0;
    const pacer = new Pacer(2, () => now);
    expect([1, 2, 3, 4, 5].map(() => pacer.claim())).toEqual([0, 0, 1000, 1000, 2000]);
    now = 2_500;
    expect([pacer.claim(), pacer.claim()]).toEqual([0, 500]);
    now = 10_000;
    expect(pacer.claim()).toBe(0);
  });

  test("may let through less than one per second", () => {
    const pacer = new Pacer(0.5, () => 0);
    expect([pacer.claim(), pacer.claim(), pacer.claim()]).toEqual([0, 2000, 4000]);
  });
});

test.each([
  ['{"a": 1}', { a: 1 }],
  ["[1]", { payload: [1], subject: "s" }],
  ["7", { payload: 7, subject: "s" }],
  ["plain text", { payload: "plain text", subject: "s" }],
  ["", { payload: null, subject: "s" }],
  [Uint8Array.of(0xff, 0xfe), { payload: "//4=", subject: "s" }],
])("the payload %j becomes inputs", (payload, inputs) => {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  expect(payloadInputs("s", bytes)).toEqual(inputs);
});
