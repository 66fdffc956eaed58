import { describe, expect, test } from "vitest";
import { lastDue, nextDue, readTriggers, type ScheduledTrigger, triggersOf } from "./trigger.ts";

function one(json: unknown): ScheduledTrigger {
  const [trigger] = readTriggers([json]).triggers;
  if (trigger?.type !== "cron" && trigger?.type !== "interval") throw new Error("not scheduled");
  return trigger;
}

describe("what a flow file declares", () => {
  test("the key says what a trigger is, and defaults fill the rest", () => {
    const { triggers, issues } = readTriggers([
      { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" },
      { every: "10m", inputs: { x: 1 } },
      { subject: "orders.*", stream: "ORDERS" },
      { type: "variable", variable: "global.rate", max_per_second: 5 },
    ]);
    expect(issues).toEqual([]);
    expect(triggers).toEqual([
      { type: "cron", cron: "0 9 * * 1-5", timezone: "Europe/Berlin", catch_up: "last", inputs: {} },
      { type: "interval", every: "10m", catch_up: "last", inputs: { x: 1 } },
      { type: "subject", subject: "orders.*", stream: "ORDERS", max_per_second: 100, inputs: {} },
      { type: "variable", variable: "global.rate", max_per_second: 5, inputs: {} },
    ]);
  });

  test.each([
    ["beside the nodes", { nodes: [], triggers: [{ every: 60 }] }],
    ["in the metadata", { metadata: { triggers: [{ every: 60 }] }, flow: { nodes: [] } }],
    ["around the flow", { triggers: [{ every: 60 }], flow: { nodes: [] } }],
  ])("triggers are found %s", (_, json) => {
    expect(triggersOf(json).triggers).toMatchObject([{ type: "interval", every: 60 }]);
  });

  test.each([
    [{ cron: "0 25 * * *" }, "hour"],
    [{ cron: "0 0 31 2 *" }, "never due"],
    [{ cron: "0 0 * * *", timezone: "Berlin" }, "no time zone"],
    [{ every: "100ms" }, "an interval is"],
    [{ every: "2y" }, "triggers[0].every"],
    [{ subject: "rayflow.flow.run" }, "this is no subject"],
    [{ subject: "$JS.API.>" }, "this is no subject"],
    [{ subject: ">" }, "this is no subject"],
    [{ subject: "*.created" }, "this is no subject"],
    [{ subject: "a..b" }, "this is no subject"],
    [{ subject: "a.>.b" }, "this is no subject"],
    [{ subject: "a b" }, "this is no subject"],
    [{ subject: "a", stream: "RAYFLOW_LOG" }, "not for triggers"],
    [{ variable: "run.x" }, "global.<name>"],
    [{ every: "1m", typo: 1 }, "typo"],
    [{ when: "now" }, "type"],
    ["daily", "triggers[0]"],
  ])("%j is refused", (json, why) => {
    const { triggers, issues } = readTriggers([json]);
    expect(triggers).toEqual([]);
    expect(issues.map(({ message }) => message).join("; ")).toContain(why);
  });

  test("something that is no list is refused", () => {
    expect(readTriggers({ every: "1m" }).issues).toMatchObject([{ code: "BAD_CONFIG", path: "triggers" }]);
  });
});

describe("times", () => {
  const at = (text: string) => Date.parse(text);

  test("an interval is due at whole multiples of itself", () => {
    const trigger = one({ every: "10m" });
    expect(nextDue(trigger, at("2026-01-01T00:00:00Z"))).toBe(at("2026-01-01T00:10:00Z"));
    expect(nextDue(trigger, at("2026-01-01T00:09:59Z"))).toBe(at("2026-01-01T00:10:00Z"));
  });

  test.each([
    [{ every: "1s" }, "2026-01-01T00:00:00Z", "2026-03-01T12:00:00.500Z", "2026-03-01T12:00:00Z"],
    [{ cron: "0 9 * * 1-5" }, "2026-01-01T00:00:00Z", "2026-03-01T12:00:00Z", "2026-02-27T09:00:00Z"],
    [{ cron: "0 0 1 1 *" }, "2026-01-01T00:00:00Z", "2026-12-01T12:00:00Z", "2026-01-01T00:00:00Z"],
  ])("of many missed firings of %j the last is found", (json, since, through, expected) => {
    expect(lastDue(one(json), at(since), at(through))).toBe(at(expected));
  });

  test("there is none where none was due", () => {
    expect(lastDue(one({ cron: "0 0 1 1 *" }), at("2026-01-02T00:00:00Z"), at("2026-12-01T12:00:00Z"))).toBeUndefined();
  });
});
