import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  flowOfSubmitSubject,
  fromSafeToken,
  isPublishable,
  parseFireSubject,
  parseLogSubject,
  partitionOf,
  safeToken,
  subjects,
  subjectToken,
} from "./subjects.ts";

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);

describe("tokens", () => {
  test("any text survives safeToken and back", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => fromSafeToken(safeToken(text)) === text));
  });

  test("a safe token has no dot, wildcard, space or control character", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => /^[A-Za-z0-9_=-]+$/.test(safeToken(text))));
  });

  test("two texts never share a safe token", () => {
    fc.assert(fc.property(token, fc.string(), (a, b) => a === b || safeToken(a) !== safeToken(b)));
  });

  test.each(["", "a.b", "*", ">", "a b", "a\n", "é", "x".repeat(129)])("%j is not fit for a subject", (text) => {
    expect(() => subjectToken(text)).toThrow(/not fit for a subject/);
  });
});

describe("subjects", () => {
  test("a log subject says whose results or whose run", () => {
    fc.assert(
      fc.property(token, fc.nat(255), (name, partition) => {
        expect(parseLogSubject(subjects.result(name, partition))).toEqual({ kind: "result", type: name, partition });
        expect(parseLogSubject(subjects.run(partition, name))).toEqual({ kind: "run", partition, run: name });
      }),
    );
  });

  test("a fired schedule names its run and timer", () => {
    expect(parseFireSubject(subjects.fire(3, "r1", "t1"))).toEqual({ partition: 3, run: "r1", id: "t1" });
    expect(parseFireSubject(subjects.timer(3, "r1", "t1"))).toBeUndefined();
  });

  test("only a submission to a deployed flow names one", () => {
    expect(flowOfSubmitSubject(subjects.submitTo("orders"))).toBe("orders");
    expect(flowOfSubmitSubject(subjects.submit())).toBeUndefined();
  });

  test("a partition is always below the number of partitions", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 256 }), (run, partitions) => {
        const partition = partitionOf(run, partitions);
        expect(partition).toBe(partitionOf(run, partitions));
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });

  test("runs spread evenly over partitions", () => {
    const counts = new Array<number>(8).fill(0);
    for (let at = 0; at < 8_000; at++) {
      const partition = partitionOf(`r${at.toString(32).padStart(25, "0")}`, 8);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});

describe("isPublishable", () => {
  test.each(["orders.new", "_INBOX.abc.1"])("%j may be published to", (subject) => {
    expect(isPublishable(subject)).toBe(true);
  });

  test.each([
    "",
    "a..b",
    ".a",
    "a.*",
    "a.>",
    "a b",
    "a\r\nPUB x 0",
    "rayflow.result.x.1",
    "rayflow",
    "$JS.API.INFO",
    "$SYS.x",
    "x".repeat(513),
  ])("%j may not", (subject) => {
    expect(isPublishable(subject)).toBe(false);
  });
});
