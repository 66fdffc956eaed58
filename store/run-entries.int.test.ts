import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partitionOf, STREAMS, subjects, WIRE_VERSION } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import type { LogEntry } from "./log-entry.ts";
import { RunEntries } from "./run-entries.ts";
import { runHeads } from "./run-heads.ts";
import { RunLog } from "./run-log.ts";
import { finishedMessage, resultsFor, runResultOf, timerMessage } from "./testing.ts";

const nats = withServer();
let log: RunLog;
beforeAll(async () => {
  await nats.start();
  log = await RunLog.open(nats.nc);
});
afterAll(nats.stop);

const seqs = async (entries: AsyncIterable<LogEntry>): Promise<number[]> => {
  const found: number[] = [];
  for await (const { seq } of entries) found.push(seq);
  return found;
};

const inLog = async (run: string): Promise<LogEntry[]> => {
  const found: LogEntry[] = [];
  for await (const entry of log.runEntries(run)) found.push(entry);
  return found;
};

const timer = (run: string, id: string) => log.append(timerMessage(run, id), { msgId: `${run}:${id}` });

test("a run's entries come from the history and from the log, each once, and later ones when asked again", async () => {
  const [a, b, c] = [await timer("rA", "1"), await timer("rA", "2"), await timer("rA", "3")];
  const [one, two, three] = await inLog("rA");
  await log.history.writeSegment(
    "f",
    "rA",
    [one, two].flatMap((entry) => entry ?? []),
  );
  // A recovery has cut it otherwise.
  await log.history.writeSegment(
    "f",
    "rA",
    [two, three].flatMap((entry) => entry ?? []),
  );
  await log.trim(c);
  const entries = new RunEntries(log, "rA");
  expect(await seqs(entries.more())).toEqual([a, b, c]);
  expect(await seqs(entries.more())).toEqual([]);
  const d = await timer("rA", "4");
  expect(await seqs(entries.more())).toEqual([d]);
});

test("results of a run are found also when nothing else of it is left in the log", async () => {
  const first = await timer("rB", "1");
  await log.history.writeSegment("f", "rB", await inLog("rB"));
  const second = await log.appendResult(resultsFor("rB"), partitionOf("rB", 8), { msgId: "rB:result" });
  await log.trim(second);
  expect(await seqs(new RunEntries(log, "rB").more())).toEqual([first, second]);
  expect(await log.finishedResult("rB")).toBeUndefined();
});

test("the record of a finished run ends its entries", async () => {
  const first = await timer("rC", "1");
  const last = await log.append(finishedMessage("rC"), { msgId: "rC:finished" });
  const entries = await inLog("rC");
  await log.writeHistory({ flow: "f", startedMs: 1, endedMs: 2, seq: last, result: runResultOf("rC"), entries });
  await log.trim(last + 1);
  const reading = new RunEntries(log, "rC");
  expect(await seqs(reading.more())).toEqual([first, last]);
  expect(reading.record).toMatchObject({ flow: "f", seq: last });
  expect(await log.history.lastSeqOf("rC")).toBe(last);
  expect(await log.finishedResult("rC")).toMatchObject({ run_id: "rC" });
});

test("the heads of the log say which runs began there and which have ended", async () => {
  await log.trim((await log.lastSeq()) + 1);
  const submitted = await log.append(
    {
      v: WIRE_VERSION,
      kind: "submitted",
      run: "rD",
      flow: { name: "f", variables: {}, error_strategy: "abort", drain: "cancel", nodes: [], edges: [] },
      types: [],
      inputs: {},
      options: {},
    },
    { msgId: "rD:submitted" },
  );
  const strayed = await timer("rE", "1");
  const ended = await log.append(finishedMessage("rD"), { msgId: "rD:finished" });
  const late = await timer("rD", "late");
  const shared = headers();
  shared.set("Rayflow-Ends", "rE,rG");
  const { seq: together } = await jetstream(nats.nc).publish(subjects.sharedEnds(), "{}", { headers: shared });
  const heads = await runHeads(nats.nc, nats.topology.partitions);
  const head = (run: string) => ({ run, partition: partitionOf(run, 8), lastMs: expect.any(Number) });
  expect([...heads.values()]).toEqual([
    { ...head("rD"), firstSeq: submitted, lastSeq: late, ended: true },
    { ...head("rE"), firstSeq: undefined, lastSeq: together, ended: true },
    { ...head("rG"), firstSeq: undefined, lastSeq: together, ended: true },
  ]);
  expect(late).toBeGreaterThan(ended);
  expect(together).toBeGreaterThan(strayed);
});

test("a read ends also when what it waits for is purged meanwhile", async () => {
  await Promise.all(Array.from({ length: 1_000 }, (_, at) => timer("rF", `t${at}`)));
  let read = 0;
  for await (const _ of log.runEntries("rF")) {
    if (++read !== 1) continue;
    await (await jetstreamManager(nats.nc)).streams.purge(STREAMS.log);
  }
  expect(read).toBeLessThan(1_000);
});
