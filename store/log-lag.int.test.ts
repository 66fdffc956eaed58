import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partitionOf, subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { messagesBehind } from "./log-lag.ts";
import { RunLog } from "./run-log.ts";
import { timerMessage } from "./testing.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

describe("messagesBehind", () => {
  it("counts what lies in a partition after a sequence, whoever wrote it, and nothing of another partition alone", async () => {
    const { nc, topology } = nats;
    expect(await messagesBehind(nc, 0, 0)).toBe(0);
    const runs = Array.from({ length: 40 }, (_, at) => `rlag${at}`);
    const log = await RunLog.open(nc);
    const seqs = new Map<number, number[]>();
    for (const [at, run] of runs.entries()) {
      const partition = partitionOf(run, topology.partitions);
      const seq = await log.append(timerMessage(run, `t${at}`), { msgId: `m${at}` });
      seqs.set(partition, [...(seqs.get(partition) ?? []), seq]);
    }
    // A result that nobody can read lies before the reader all the same.
    for (let at = 0; at < 3; at++) await nc.request(subjects.result("math_add", 2), "not JSON");
    // Nor is it known whose results a shared message holds before it is read.
    await nc.request(subjects.sharedResult("math_add"), "not JSON either");
    for (let partition = 0; partition < topology.partitions; partition++) {
      const of = seqs.get(partition) ?? [];
      const strays = partition === 2 ? 4 : 1;
      expect(await messagesBehind(nc, partition, 0)).toBe(of.length + strays);
      expect(await messagesBehind(nc, partition, of[0] ?? 0)).toBe(Math.max(0, of.length - 1) + strays);
      expect(await messagesBehind(nc, partition, 1_000)).toBe(0);
    }
  });
});
