import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readDispatch, writeEntry } from "./dispatch-wire.ts";
import { dispatchMessage, endsMessage, resultMessage, storedRunMessage } from "./messages.ts";
import { isPlainDispatchMessage, isPlainResultMessage, isPlainRunMessage, readEnds } from "./quick-check.ts";

const result = { id: "r:n@#1", run: "r", status: "ok", outputs: { x: 1 }, started_at: 5, duration_ms: 0.1, actor: "a" };
const entry = {
  kind: "exec",
  id: "r:n@#1",
  run: "r",
  flow: "f",
  partition: 0,
  node: "n",
  scope: "",
  attempt: 1,
  inputs: { x: [1] },
  config: {},
  timeout_ms: 1_000,
  idempotency_key: "r:n@",
};
const optionalOfResult = { exec: ["finish"], cached: true };
const optionalOfEntry = {
  heartbeat_ms: 5,
  deadline: 9,
  inline: ["a"],
  blob_run: "q",
  lost: 2,
  traceparent: "00-1-2-03",
};

const submitted = { v: 1, kind: "submitted_ref", run: "r", inputs: { a: 1 }, options: {}, blueprint: "h" };
const optionalOfSubmitted = { reply: "_INBOX.x", traceparent: "00-1-2-03" };
const statistics = {
  total_time: 0.1,
  nodes_executed: 2,
  nodes_failed: 0,
  nodes_skipped: 0,
  node_times: { a: 0.1 },
  errors: [],
};
const runResult = {
  run_id: "r",
  success: true,
  status: "succeeded",
  return: "done",
  status_code: 200,
  result: { x: null },
  error: null,
  statistics,
};
const finished = { v: 1, kind: "finished", run: "r", result: runResult };

/** Values that are wrong somewhere, or right by chance. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    0,
    1,
    -1,
    1.5,
    Number.NaN,
    1e300,
    "",
    "ok",
    "error",
    "exec",
    [],
    {},
    [1],
    ["x"],
    true,
  ),
  fc.jsonValue(),
);

function broken(whole: object): fc.Arbitrary<Record<string, unknown>> {
  const keys = [...Object.keys(whole), "error", "cache", "extra", "__proto__x", "toString"];
  return fc
    .tuple(fc.constantFrom(...keys), anything, fc.boolean(), fc.subarray(Object.keys(whole)))
    .map(([key, value, drop, kept]) => {
      const changed: Record<string, unknown> = { ...whole, [key]: value };
      if (drop) for (const name of Object.keys(changed)) if (!kept.includes(name)) delete changed[name];
      return changed;
    });
}

describe("the quick check", () => {
  test("takes what the hot path carries", () => {
    const both = { v: 1, type: "t", results: [result, { ...result, ...optionalOfResult }] };
    expect(isPlainResultMessage(both)).toBe(true);
    for (const message of [submitted, { ...submitted, ...optionalOfSubmitted }, finished]) {
      expect(isPlainRunMessage(message)).toBe(true);
    }
    expect(readEnds({ v: 1, results: [runResult, runResult] })).toBeDefined();
    const entries = [entry, { ...entry, ...optionalOfEntry, kind: "data" }];
    expect(isPlainDispatchMessage({ v: 1, type: "t", entries })).toBe(true);
  });

  test("takes nothing that its schema refuses or changes", () => {
    fc.assert(
      fc.property(fc.array(broken({ ...result, ...optionalOfResult }), { maxLength: 3 }), anything, (results, v) => {
        for (const message of [
          { v: 1, type: "t", results },
          { v, type: "t", results },
          { v: 1, type: v, results },
        ]) {
          if (isPlainResultMessage(message)) expect(resultMessage.parse(message)).toEqual(message);
        }
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.array(broken({ ...entry, ...optionalOfEntry }), { maxLength: 3 }), (entries) => {
        const message = { v: 1, type: "t", entries };
        if (isPlainDispatchMessage(message)) expect(dispatchMessage.parse(message)).toEqual(readDispatch(message));
      }),
      { numRuns: 2_000 },
    );
    const finishedSomehow = fc
      .tuple(broken(finished), broken(runResult), broken(statistics), fc.nat(2))
      .map(([outer, inner, innermost, depth]) => {
        if (depth === 0) return outer;
        return { ...finished, result: depth === 1 ? inner : { ...runResult, statistics: innermost } };
      });
    fc.assert(
      fc.property(fc.array(finishedSomehow, { maxLength: 3 }), anything, (some, v) => {
        const results = some.map((message) => ("result" in message ? message.result : message));
        for (const message of [
          { v: 1, results },
          { v, results },
          { v: 1, results, more: v },
        ]) {
          if (readEnds(message)) expect(endsMessage.parse(message)).toEqual(message);
        }
      }),
      { numRuns: 1_000 },
    );
    const runMessages = fc.oneof(broken({ ...submitted, ...optionalOfSubmitted }), finishedSomehow);
    fc.assert(
      fc.property(runMessages, (message) => {
        if (isPlainRunMessage(message)) expect(storedRunMessage.parse(message)).toEqual(message);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([null, [], "x", { v: 1, type: "t" }, { v: 1, type: "t", results: [], entries: [] }])(
    "is not sure of %j",
    (json) => {
      expect(isPlainResultMessage(json)).toBe(false);
      expect(isPlainDispatchMessage(json)).toBe(false);
      expect(isPlainRunMessage(json)).toBe(false);
    },
  );

  test("an entry is read as it was before it was written, whatever was left out", () => {
    const whole = fc.record(
      {
        kind: fc.constantFrom("exec", "data"),
        id: fc.constantFrom("r:n@#1", "r:n@each[3]#2", "r:n@>p#1", "odd"),
        run: fc.constant("r"),
        flow: fc.string(),
        partition: fc.nat(),
        node: fc.string(),
        scope: fc.constantFrom("", "each[3]"),
        attempt: fc.constantFrom(1, 2),
        inputs: fc.constantFrom({}, { x: 1 }),
        config: fc.constantFrom({}, { x: 1 }),
        timeout_ms: fc.constantFrom(300_000, 5),
        idempotency_key: fc.constantFrom("r:n@", "r:n@each[3]", "other"),
        heartbeat_ms: fc.constant(5),
        cache: fc.constant({ ttl_ms: 1 }),
        lost: fc.nat(),
      },
      { requiredKeys: ["id", "run", "flow", "partition", "node", "inputs"] },
    );
    fc.assert(
      fc.property(whole, (some) => {
        const [full] = dispatchMessage.parse({ v: 1, type: "t", entries: [some] }).entries;
        if (!full) throw new Error("no entry");
        const wire: unknown = { v: 1, type: "t", entries: [JSON.parse(writeEntry(full))] };
        expect(dispatchMessage.parse(wire).entries).toEqual([full]);
        if (some.cache === undefined) expect(readDispatch(wire)?.entries).toEqual([full]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("leaves failures and cached work to the schema", () => {
    const failure = { ...result, status: "error", error: { code: "X", message: "", retryable: false } };
    expect(isPlainResultMessage({ v: 1, type: "t", results: [failure] })).toBe(false);
    expect(isPlainDispatchMessage({ v: 1, type: "t", entries: [{ ...entry, cache: { ttl_ms: 1 } }] })).toBe(false);
  });
});
