import { describe, expect, test } from "vitest";
import { encodeMessage, partitionOf, subjects } from "../nats/index.ts";
import { decodeLogEntry, ofRun } from "./log-entry.ts";
import { resultsFor, timerMessage } from "./testing.ts";

const PARTITIONS = 8;
const home = partitionOf("r1", PARTITIONS);
const stored = (subject: string, message: unknown) => ({ subject, seq: 7, timeMs: 9, data: encodeMessage(message) });
const reasonFor = (subject: string, message: unknown) => {
  const decoded = decodeLogEntry(stored(subject, message), PARTITIONS);
  return decoded.ok ? undefined : decoded.reason;
};

describe("decodeLogEntry", () => {
  test("a message of its subject is an entry with sequence and time", () => {
    const message = timerMessage("r1", "t");
    expect(decodeLogEntry(stored(subjects.run(home, "r1"), message), PARTITIONS)).toEqual({
      ok: true,
      entry: { seq: 7, timeMs: 9, kind: "run", message },
    });
    const results = resultsFor("r1");
    expect(decodeLogEntry(stored(subjects.result("math_add", home), results), PARTITIONS)).toEqual({
      ok: true,
      entry: { seq: 7, timeMs: 9, kind: "result", message: results },
    });
  });

  test("a message that speaks for another run, type or partition is refused", () => {
    expect(reasonFor(subjects.run(home, "r1"), timerMessage("r2", "t"))).toMatch(/speaks of the run r2/);
    expect(reasonFor(subjects.run((home + 1) % 8, "r1"), timerMessage("r1", "t"))).toMatch(/not of partition/);
    expect(reasonFor(subjects.result("math_sub", home), resultsFor("r1"))).toMatch(/speaks for the type math_add/);
  });

  test("a result that names its execution and is wrong otherwise fails that execution, and no other", () => {
    const [good, bad] = resultsFor("r1", "r2").results;
    const message = { v: 1, type: "math_add", results: [good, { ...bad, status: "fine", duration_ms: "long" }] };
    const decoded = decodeLogEntry(stored(subjects.result("math_add", home), message), PARTITIONS);
    if (!decoded.ok || decoded.entry.kind !== "result") throw new Error("refused");
    expect(decoded.entry.message.results[0]).toEqual(good);
    expect(decoded.entry.message.results[1]).toMatchObject({
      id: bad?.id,
      run: "r2",
      status: "error",
      error: { code: "MalformedMessage", retryable: false },
    });
    expect(
      reasonFor(subjects.result("math_add", home), { v: 1, type: "math_add", results: [{ run: "r1" }] }),
    ).toBeDefined();
  });

  test("what is none of the log's is refused", () => {
    expect(reasonFor("rayflow.other.1.2", {})).toMatch(/not a subject/);
    expect(reasonFor(subjects.run(home, "r1"), { v: 2, kind: "timer", run: "r1", id: "t" })).toBeDefined();
    expect(reasonFor(subjects.run(home, "r1"), { v: 1, kind: "nonsense", run: "r1" })).toBeDefined();
  });
});

test("of a result message a run sees only its own results", () => {
  const entry = { seq: 1, timeMs: 1, kind: "result" as const, message: resultsFor("r1", "r2", "r1") };
  const own = ofRun(entry, "r1");
  expect(own?.kind === "result" && own.message.results.map(({ run }) => run)).toEqual(["r1", "r1"]);
  expect(ofRun(entry, "r3")).toBeUndefined();
  expect(entry.message.results).toHaveLength(3);
});
