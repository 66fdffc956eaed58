import fc from "fast-check";
import { expect, test } from "vitest";
import type { NodeResult, RunResult } from "../nats/index.ts";
import { historyEntry, packEntries, unpackEntries } from "./history-entries.ts";
import type { LogEntry } from "./log-entry.ts";
import { finishedMessage, runResultOf } from "./testing.ts";

const RUN = "run1";
const end: RunResult = runResultOf(RUN);

const outputs = fc.dictionary(fc.string(), fc.jsonValue()).filter((value) => !Object.hasOwn(value, "__proto__"));
const result: fc.Arbitrary<NodeResult> = fc
  .record(
    {
      id: fc.constantFrom(`${RUN}:a@#1`, `${RUN}:b@each[3]#2`, `${RUN}:a@>p#1`, "other:a@#1", ""),
      run: fc.constantFrom(RUN, RUN, RUN, "other"),
      status: fc.constantFrom<NodeResult["status"]>("ok", "ok", "error"),
      outputs,
      exec: fc.array(fc.string()),
      cached: fc.boolean(),
      error: fc.constant({ code: "X", message: "no", retryable: true }),
      started_at: fc.nat(),
      duration_ms: fc.nat(),
      actor: fc.string(),
    },
    { requiredKeys: ["id", "run", "status", "started_at", "duration_ms", "actor"] },
  )
  .map((one) => JSON.parse(JSON.stringify(one)) as NodeResult);

const entry: fc.Arbitrary<LogEntry> = fc.oneof(
  fc.record({
    seq: fc.nat(),
    timeMs: fc.nat(),
    kind: fc.constant("result" as const),
    message: fc.record({
      v: fc.constant(1 as const),
      type: fc.string(),
      results: fc.array(result, { minLength: 1, maxLength: 3 }),
    }),
  }),
  fc.record({
    seq: fc.nat(),
    timeMs: fc.nat(),
    kind: fc.constant("run" as const),
    message: fc.constantFrom(
      finishedMessage(RUN),
      finishedMessage(RUN, { success: false }),
      { v: 1 as const, kind: "timer" as const, run: RUN, id: "t1" },
      { v: 1 as const, kind: "control" as const, run: RUN, action: "pause" as const },
    ),
  }),
);

test("what is packed, written and read is what the log had", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 10 }), fc.boolean(), (entries, hasEnd) => {
      const packed = packEntries(RUN, entries, hasEnd ? end : undefined);
      const read = JSON.parse(JSON.stringify(packed)) as unknown[];
      const parsed = read.map((one) => historyEntry.parse(one));
      expect(unpackEntries(RUN, parsed, hasEnd ? end : undefined)).toEqual(entries);
    }),
    { numRuns: 500 },
  );
});

test("a plain result takes half of what it takes in the log, or less", () => {
  const plain: LogEntry = {
    seq: 12_345,
    timeMs: 1_763_724_000_000,
    kind: "result",
    message: {
      v: 1,
      type: "math_add",
      results: [
        {
          id: `${RUN}:add@#1`,
          run: RUN,
          status: "ok",
          outputs: { result: 3 },
          started_at: 1_763_724_000_000,
          duration_ms: 0.1,
          actor: "host-1-abcdef",
        },
      ],
    },
  };
  const packed = JSON.stringify(packEntries(RUN, [plain], end));
  expect(packed.length).toBeLessThan(JSON.stringify([plain]).length / 2);
});
