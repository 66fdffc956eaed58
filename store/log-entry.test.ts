import { describe, expect, test } from "vitest";
import { encodeMessage, executionTokens, partitionOf, type ResultMessage, subjects } from "../nats/index.ts";
import { decodeLogEntry, ofPartition, ofRun, oneByOne } from "./log-entry.ts";
import { resultsFor, runResultOf, timerMessage } from "./testing.ts";

const PARTITIONS = 8;
const home = partitionOf("r1", PARTITIONS);
const stored = (subject: string, message: unknown) => ({ subject, seq: 7, timeMs: 9, data: encodeMessage(message) });
const tokens = executionTokens([Buffer.alloc(32, 7)]);
let refused: string[] = [];
const guard = { verify: tokens.verify, refused: (_subject: string, reason: string) => refused.push(reason) };
const decode = (subject: string, message: unknown) => {
  refused = [];
  return decodeLogEntry(stored(subject, message), PARTITIONS, guard);
};
const reasonFor = (subject: string, message: unknown) => {
  const decoded = decode(subject, message);
  return decoded.ok ? undefined : decoded.reason;
};
const signed = (message: ResultMessage) => ({
  ...message,
  results: message.results.map((result) => ({ ...result, token: tokens.sign(result.id) })),
});
/** A run of the same partition as r1. */
const [neighbour = ""] = Array.from({ length: 100 }, (_, n) => `r${n + 2}`).filter(
  (run) => partitionOf(run, PARTITIONS) === home,
);

describe("decodeLogEntry", () => {
  test("a message of its subject is an entry with sequence and time", () => {
    const message = timerMessage("r1", "t");
    expect(decode(subjects.run(home, "r1"), message)).toEqual({
      ok: true,
      entry: { seq: 7, timeMs: 9, kind: "run", message },
      partition: home,
    });
    const results = resultsFor("r1");
    expect(decode(subjects.result("math_add", home), signed(results))).toEqual({
      ok: true,
      entry: { seq: 7, timeMs: 9, kind: "result", message: results },
      partition: home,
    });
  });

  test("a message that speaks for another run, type or partition is refused", () => {
    expect(reasonFor(subjects.run(home, "r1"), timerMessage("r2", "t"))).toMatch(/speaks of the run r2/);
    expect(reasonFor(subjects.run((home + 1) % 8, "r1"), timerMessage("r1", "t"))).toMatch(/not of partition/);
    expect(reasonFor(subjects.result("math_sub", home), resultsFor("r1"))).toMatch(/another type/);
  });

  test("a result that names its execution and is wrong otherwise fails that execution, and no other", () => {
    const [good, bad] = signed(resultsFor("r1", neighbour)).results;
    const { token: _token, ...plain } = good ?? {};
    const message = { v: 1, type: "math_add", results: [good, { ...bad, status: "fine", duration_ms: "long" }] };
    const decoded = decode(subjects.result("math_add", home), message);
    if (!decoded.ok || decoded.entry.kind !== "result") throw new Error("refused");
    expect(decoded.entry.message.results[0]).toEqual(plain);
    expect(decoded.entry.message.results[1]).toMatchObject({
      id: bad?.id,
      run: neighbour,
      status: "error",
      error: { code: "MalformedMessage", retryable: false },
    });
    expect(
      reasonFor(subjects.result("math_add", home), { v: 1, type: "math_add", results: [{ run: "r1" }] }),
    ).toBeDefined();
  });

  test("a result counts with the token of its execution alone, in its run's partition, and the token goes no further", () => {
    const [mine, yours] = signed(resultsFor("r1", neighbour)).results;
    if (!mine || !yours) throw new Error("no results");
    const send = (...results: unknown[]) =>
      decode(subjects.result("math_add", home), { v: 1, type: "math_add", results });
    const { token: _token, ...unsigned } = mine;
    for (const wrong of [unsigned, { ...mine, token: yours.token }, { ...mine, token: "" }, { ...mine, token: 7 }]) {
      expect(send(wrong).ok).toBe(false);
      expect(refused).toEqual(["a result without its execution's token"]);
      const beside = send(wrong, yours);
      expect(beside.ok && beside.entry.kind === "result" && beside.entry.message.results.map(({ id }) => id)).toEqual([
        yours.id,
      ]);
    }
    // A failure that is read as well as can be has to be the execution's own too.
    expect(send({ id: mine.id, run: mine.run, status: "odd" }).ok).toBe(false);
    expect(send({ ...mine, run: neighbour }).ok).toBe(false);
    expect(
      decode(subjects.result("math_add", (home + 1) % PARTITIONS), { v: 1, type: "math_add", results: [mine] }).ok,
    ).toBe(false);
    expect(refused).toEqual(["a result of another partition"]);
    const taken = send(mine);
    expect(taken.ok).toBe(true);
    expect(JSON.stringify(taken)).not.toContain(mine.token);
    expect(JSON.stringify(send({ ...mine, status: "odd" }))).not.toContain(mine.token);
  });

  test("what is said of bad JSON quotes nothing of it", () => {
    const data = new TextEncoder().encode('{"v":1,"token": SECRET }');
    const decoded = decodeLogEntry(
      { subject: subjects.result("math_add", home), seq: 1, timeMs: 1, data },
      PARTITIONS,
      guard,
    );
    expect(decoded).toEqual({ ok: false, reason: "not JSON" });
  });

  test("what is none of the log's is refused", () => {
    expect(reasonFor("rayflow.other.1.2", {})).toMatch(/not a subject/);
    expect(reasonFor(subjects.run(home, "r1"), { v: 2, kind: "timer", run: "r1", id: "t" })).toBeDefined();
    expect(reasonFor(subjects.run(home, "r1"), { v: 1, kind: "nonsense", run: "r1" })).toBeDefined();
  });
});

test("of ends that share a message a partition sees those of its runs, and a run its own", () => {
  const runs = ["r1", "r2", "r3", "r4"];
  const failed = runResultOf("r4", {
    success: false,
    status: "failed",
    error: { code: "X", message: "", retryable: false },
  });
  const results = [...runs.slice(0, 3).map((run) => runResultOf(run)), failed];
  const decoded = decode(subjects.sharedEnds(), { v: 1, results });
  if (!decoded.ok) throw new Error(decoded.reason);
  const seen = Array.from({ length: PARTITIONS }, (_, partition) => {
    const entry = ofPartition(decoded, partition, PARTITIONS);
    const own = entry?.kind === "ends" ? oneByOne(entry) : [];
    expect(own.every(({ message }) => partitionOf(message.run, PARTITIONS) === partition)).toBe(true);
    return own.map(({ message }) => message.run);
  });
  expect(seen.flat().sort()).toEqual(runs);
  expect(ofRun(decoded.entry, "r4")).toMatchObject({
    kind: "run",
    message: { kind: "finished", run: "r4", result: failed },
  });
  expect(ofRun(decoded.entry, "r5")).toBeUndefined();
  expect(reasonFor(subjects.sharedEnds(), { v: 1, results: [] })).toBeDefined();
  expect(reasonFor("rayflow.run.many.other", { v: 1, results })).toMatch(/not a subject/);
});

test("of results that share a message a partition sees those of its runs", () => {
  const runs = ["r1", "r2", "r3", "r4"];
  const decoded = decode(subjects.sharedResult("math_add"), signed(resultsFor(...runs)));
  if (!decoded.ok) throw new Error(decoded.reason);
  expect(decoded.partition).toBe("many");
  const seen = Array.from({ length: PARTITIONS }, (_, partition) => {
    const entry = ofPartition(decoded, partition, PARTITIONS);
    const own = entry?.kind === "result" ? entry.message.results.map(({ run }) => run) : [];
    expect(own.every((run) => partitionOf(run, PARTITIONS) === partition)).toBe(true);
    return own;
  });
  expect(seen.flat().sort()).toEqual(runs);
});

test("of a result message a run sees only its own results", () => {
  const entry = { seq: 1, timeMs: 1, kind: "result" as const, message: resultsFor("r1", "r2", "r1") };
  const own = ofRun(entry, "r1");
  expect(own?.kind === "result" && own.message.results.map(({ run }) => run)).toEqual(["r1", "r1"]);
  expect(ofRun(entry, "r3")).toBeUndefined();
  expect(entry.message.results).toHaveLength(3);
});
