import { randomBytes } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { historyHeaders } from "./history-headers.ts";
import { RunHistory } from "./run-history.ts";
import { finishedMessage, resultsFor, runResultOf, timerMessage } from "./testing.ts";

const nats = withServer();
let history: RunHistory;
beforeAll(async () => {
  await nats.start();
  history = new RunHistory(nats.nc);
});
afterAll(nats.stop);

function recordOf(run: string, flow = "orders", more: Parameters<typeof runResultOf>[1] = {}) {
  return {
    flow,
    version: "1.2",
    startedMs: 1_000,
    endedMs: 2_000,
    seq: 12,
    result: runResultOf(run, more),
    entries: [
      { seq: 10, timeMs: 1_000, kind: "run" as const, message: timerMessage(run, "t") },
      { seq: 11, timeMs: 1_500, kind: "result" as const, message: resultsFor(run) },
      { seq: 12, timeMs: 2_000, kind: "run" as const, message: finishedMessage(run, more) },
    ],
  };
}

test("an empty history lists nothing and knows nobody", async () => {
  expect(await history.list()).toEqual([]);
  expect(await history.read("r0")).toBeUndefined();
});

test("a finished run is read as it was written, and written twice it is there once", async () => {
  await history.write(recordOf("r1"));
  await history.write(recordOf("r1"));
  expect(await history.read("r1")).toEqual({ v: 1, ...recordOf("r1") });
  expect(await history.list()).toHaveLength(1);
});

test("the list is newest first, by flow and by status, from the headers alone", async () => {
  for (let at = 2; at < 10; at++) await history.write(recordOf(`r${at}`, at % 2 === 0 ? "orders" : "my flow.é"));
  const error = { code: "HttpError", message: "no", retryable: false };
  await history.write(recordOf("r10", "orders", { success: false, status: "failed", error, status_code: null }));
  expect((await history.list({ limit: 3 })).map(({ run }) => run)).toEqual(["r10", "r9", "r8"]);
  expect((await history.list({ flow: "my flow.é" })).map(({ run }) => run)).toEqual(["r9", "r7", "r5", "r3"]);
  expect(await history.list({ status: "failed" })).toEqual([
    {
      run: "r10",
      flow: "orders",
      status: "failed",
      startedMs: 1_000,
      endedMs: 2_000,
      version: "1.2",
      seq: 12,
      at: expect.any(Number),
      statusCode: undefined,
      error: "HttpError",
    },
  ]);
});

test("a long history is searched window by window", async () => {
  const js = jetstream(nats.nc);
  const { headers } = await import("@nats-io/transport-node");
  await Promise.all(
    Array.from({ length: 1_500 }, (_, at) => {
      const made = headers();
      made.set(historyHeaders.status, "cancelled");
      made.set(historyHeaders.started, "1");
      made.set(historyHeaders.ended, "2");
      return js.publish(subjects.history("many", `m${at}`), "", { headers: made });
    }),
  );
  expect((await history.list({ status: "failed" })).map(({ run }) => run)).toEqual(["r10"]);
  expect(await history.list({ flow: "many", limit: 2_000 })).toHaveLength(1_500);
});

test("a run too large for a message lies in the object store", async () => {
  const noise = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`k${at}`, randomBytes(24_000).toString("hex")]),
  );
  await history.write(recordOf("rbig", "orders", { result: noise }));
  const read = await history.read("rbig");
  expect(read?.result.result).toEqual(noise);
  expect((await history.list({ limit: 1 }))[0]?.run).toBe("rbig");
});

test("what somebody else spoiled is none, and counted", async () => {
  const js = jetstream(nats.nc);
  await js.publish(subjects.history("orders", "rbad"), "no gzip");
  expect(await history.read("rbad")).toBeUndefined();
  await history.list({ limit: 5 });
  expect(history.refusals.total).toBe(2);
});

test("a version with a line break makes no header of its own", async () => {
  await history.write({ ...recordOf("rinjected"), version: "1\r\nRayflow-Status: failed" });
  expect((await history.list({ limit: 1 }))[0]).toMatchObject({ run: "rinjected", status: "succeeded" });
});
