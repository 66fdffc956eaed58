import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { partitionOf, STREAMS, subjects } from "../nats/index.ts";
import { eventually, reconnected, withServer } from "../nats/testing.ts";
import type { LogEntry, PartitionEntry } from "./log-entry.ts";
import type { LogReader } from "./log-reader.ts";
import { RunLog } from "./run-log.ts";
import { finishedMessage, resultsFor, runResultOf, timerMessage } from "./testing.ts";

const PARTITIONS = 4;
const nats = withServer({ topology: { partitions: PARTITIONS } });
let log: RunLog;
beforeAll(async () => {
  await nats.start();
  log = await RunLog.open(nats.nc);
});
afterAll(nats.stop);

let made = 0;
/** A run that no other test has, of this partition. */
function runOf(partition: number): string {
  for (;;) {
    const run = `r${++made}`;
    if (partitionOf(run, PARTITIONS) === partition) return run;
  }
}

/** Collects what a reader gives until it is stopped. */
function collect(reader: LogReader): PartitionEntry[] {
  const entries: PartitionEntry[] = [];
  onTestFinished(() => reader.stop());
  void (async () => {
    for await (const entry of reader) entries.push(entry);
  })();
  return entries;
}

describe("append", () => {
  test("gives the sequence, and the same one for the same message id", async () => {
    const run = runOf(0);
    const first = await log.append(timerMessage(run, "t"), { msgId: `${run}:t` });
    expect(await log.append(timerMessage(run, "t"), { msgId: `${run}:t` })).toBe(first);
    expect(await log.append(timerMessage(run, "u"), { msgId: `${run}:u` })).toBe(first + 1);
    expect(await log.lastSeq()).toBe(first + 1);
  });

  test("a message that no server would take is PayloadTooLarge", async () => {
    const run = runOf(0);
    const huge = finishedMessage(run, { result: { text: "x".repeat(1024 * 1024) } });
    await expect(log.append(huge, { msgId: "huge" })).rejects.toMatchObject({ code: "PayloadTooLarge" });
  });
});

describe("openPartition", () => {
  test("gives the entries of its partition in order, from a sequence on, then those to come", async () => {
    const [run, other] = [runOf(1), runOf(2)];
    const from = await log.append(timerMessage(run, "a"), { msgId: `${run}:a` });
    await log.append(timerMessage(other, "a"), { msgId: `${other}:a` });
    await log.appendResult(resultsFor(run), 1, { msgId: `${run}:res` });
    await log.append(timerMessage(run, "b"), { msgId: `${run}:b` });
    const reader = await log.openPartition(1, from + 1);
    expect(reader.caughtUp).toBe(false);
    const entries = collect(reader);
    await reader.untilCaughtUp;
    expect(entries.map(({ kind }) => kind)).toEqual(["result", "run"]);
    expect(reader.caughtUp).toBe(true);
    await log.append(timerMessage(run, "c"), { msgId: `${run}:c` });
    await eventually(() => entries.length === 3, "the new entry comes");
    expect(entries.map(({ seq }) => seq)).toEqual([...entries.map(({ seq }) => seq)].sort((a, b) => a - b));
    expect(Math.abs((entries[2]?.timeMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("an empty partition is caught up with at once", async () => {
    const reader = await log.openPartition(3);
    expect(reader.caughtUp).toBe(true);
    await reader.untilCaughtUp;
    await reader.stop();
  });

  test("malformed messages are passed over and counted, also when they come last", async () => {
    const run = runOf(2);
    const js = jetstream(nats.nc);
    const from = await log.append(timerMessage(run, "a"), { msgId: `${run}:a` });
    await js.publish(subjects.run(2, run), "{");
    await js.publish(subjects.run(2, run), JSON.stringify(timerMessage(runOf(3), "x")));
    const before = log.refusals.total;
    const reader = await log.openPartition(2, from);
    const entries = collect(reader);
    await reader.untilCaughtUp;
    expect(entries).toHaveLength(1);
    expect(log.refusals.total - before).toBe(2);
  });

  test("goes on after the server was killed, twice, without a gap or a repetition", async () => {
    const run = runOf(3);
    const reader = await log.openPartition(3);
    const entries = collect(reader);
    let sent = 0;
    const send = async (count: number) => {
      for (const end = sent + count; sent < end; sent++) {
        await log.append(timerMessage(run, `t${sent}`), { msgId: `${run}:t${sent}` });
      }
    };
    await send(50);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await nats.server.kill(signal);
      await nats.server.restart();
      await reconnected(nats.nc);
      await send(50);
    }
    await eventually(() => entries.length >= 150, "all entries come", 20_000);
    const ids = entries.map((entry) => (entry.kind === "run" && "id" in entry.message ? entry.message.id : ""));
    expect(ids).toEqual(Array.from({ length: 150 }, (_, at) => `t${at}`));
  });

  test("goes on when its consumer is deleted under it", async () => {
    const run = runOf(3);
    const own = new RunLog(nats.nc);
    const reader = await own.openPartition(3, (await log.lastSeq()) + 1);
    const entries = collect(reader);
    const jsm = await jetstreamManager(nats.nc);
    const consumers = async () => (await jsm.consumers.list(STREAMS.log).next()).map(({ name }) => name);
    for (const when of ["early", "late", "later"]) {
      for (const name of await consumers()) await jsm.consumers.delete(STREAMS.log, name).catch(() => {});
      await log.append(timerMessage(run, when), { msgId: `${run}:${when}` });
    }
    await eventually(() => entries.length === 3, "all entries come", 30_000);
  });

  test("readers that have caught up share one consumer, however many open at once", async () => {
    const jsm = await jetstreamManager(nats.nc);
    const own = new RunLog(nats.nc);
    const count = async () => (await jsm.streams.info(STREAMS.log)).state.consumer_count;
    const before = await count();
    const readers = await Promise.all([0, 1, 2, 3].map((partition) => own.openPartition(partition)));
    onTestFinished(async () => void (await Promise.all(readers.map((reader) => reader.stop()))));
    const seen = new Set<string>();
    for (const reader of readers) {
      void (async () => {
        for await (const entry of reader) if (entry.kind === "run") seen.add(entry.message.run);
      })();
    }
    await eventually(async () => (await count()) <= before + 1, "one consumer is left");
    const run = runOf(2);
    await log.append(timerMessage(run, "t"), { msgId: `${run}:shared` });
    await eventually(() => seen.has(run), "it brings what comes");
  });

  test("ends on stop, and leaves no consumer behind", async () => {
    const jsm = await jetstreamManager(nats.nc);
    const before = (await jsm.streams.info(STREAMS.log)).state.consumer_count;
    const reader = await new RunLog(nats.nc).openPartition(0);
    const ended = (async () => {
      for await (const _ of reader);
    })();
    await reader.stop();
    await ended;
    const left = async () => (await jsm.streams.info(STREAMS.log)).state.consumer_count;
    await eventually(async () => (await left()) <= before, "the consumers are gone");
  });
});

describe("one run", () => {
  test("its entries are its messages and its results, nobody else's", async () => {
    const [run, neighbour] = [runOf(0), runOf(0)];
    await log.appendResult(resultsFor(run), 0, { msgId: "too early" });
    await log.append(timerMessage(run, "a"), { msgId: `${run}:a` });
    await log.append(timerMessage(neighbour, "a"), { msgId: `${neighbour}:a` });
    const seq = await log.appendResult(resultsFor(neighbour, run), 0, { msgId: `${run}:res` });
    await log.append(finishedMessage(run), { msgId: `${run}:finished` });
    await log.appendResult(resultsFor(neighbour), 0, { msgId: `${neighbour}:res` });
    const entries: PartitionEntry[] = [];
    for await (const entry of log.runEntries(run)) entries.push(entry);
    expect(entries.map(({ kind }) => kind)).toEqual(["run", "result", "run"]);
    expect(entries[1]).toMatchObject({ seq, message: { results: [{ run }] } });
    const later: number[] = [];
    for await (const entry of log.runEntries(run, { fromSeq: seq })) later.push(entry.seq);
    expect(later).toEqual([seq, seq + 1]);
  });

  test("end with it also when it shares a message with others", async () => {
    const run = runOf(0);
    await log.append(timerMessage(run, "a"), { msgId: `${run}:a` });
    const ends = { v: 1, results: [runResultOf(runOf(1)), runResultOf(run)] };
    const { seq } = await jetstream(nats.nc).publish(subjects.sharedEnds(), JSON.stringify(ends));
    const entries: LogEntry[] = [];
    for await (const entry of log.runEntries(run)) entries.push(entry);
    expect(entries.at(-1)).toMatchObject({ seq, message: { kind: "finished", run, result: runResultOf(run) } });
    const reader = await log.openPartition(0, seq);
    const seen = collect(reader);
    await eventually(() => seen.length > 0, "the partition's reader has it");
    expect(seen).toMatchObject([{ seq, kind: "ends", results: [runResultOf(run)] }]);
  });

  test("one that nobody knows has no entries and no result", async () => {
    for await (const _ of log.runEntries("rnobody")) expect.unreachable();
    expect(await log.finishedResult("rnobody")).toBeUndefined();
  });

  test("its result is known once it has finished, also when a signal came after", async () => {
    const run = runOf(1);
    await log.append(timerMessage(run, "a"), { msgId: `${run}:a` });
    expect(await log.finishedResult(run)).toBeUndefined();
    await log.append(finishedMessage(run), { msgId: `${run}:finished` });
    expect(await log.finishedResult(run)).toEqual(runResultOf(run));
    await log.append(timerMessage(run, "late"), { msgId: `${run}:late` });
    expect(await log.finishedResult(run)).toEqual(runResultOf(run));
  });

  test("a log that knows no partitions finds them out", async () => {
    const run = runOf(1);
    await log.append(finishedMessage(run), { msgId: `${run}:finished` });
    expect(await new RunLog(nats.nc).finishedResult(run)).toEqual(runResultOf(run));
  });

  test("after trimming only the history knows it", async () => {
    const run = runOf(1);
    const seq = await log.append(finishedMessage(run), { msgId: `${run}:finished` });
    const kept = runOf(1);
    await log.append(timerMessage(kept, "a"), { msgId: `${kept}:a` });
    const entries: LogEntry[] = [];
    for await (const entry of log.runEntries(run)) entries.push(entry);
    await log.writeHistory({ flow: "f", startedMs: 1, endedMs: 2, seq, result: runResultOf(run), entries });
    expect(await log.trim(seq + 1)).toBeGreaterThan(0);
    expect((await log.bounds()).firstSeq).toBe(seq + 1);
    expect(await log.finishedResult(run)).toEqual(runResultOf(run));
    for await (const entry of log.runEntries(kept)) expect(entry.seq).toBe(seq + 1);
    for await (const _ of log.runEntries(run)) expect.unreachable();
  });
});

describe("a reader of a partition", () => {
  test("is drained where nothing lies, whatever lies in the others, and not while something is left", async () => {
    const [idle, busy] = [runOf(2), runOf(3)];
    await log.trim((await log.lastSeq()) + 1);
    await log.append(timerMessage(busy, "t"), { msgId: `${busy}:t` });
    const reader = await log.openPartition(2, 1);
    collect(reader);
    await eventually(() => reader.isDrained(), "the idle partition is drained");
    const other = await log.openPartition(3, 1);
    onTestFinished(() => other.stop());
    expect(await other.isDrained()).toBe(false);
    for await (const _ of other) break;
    expect(await other.isDrained()).toBe(true);
    await log.append(timerMessage(idle, "t"), { msgId: `${idle}:t` });
    await eventually(() => reader.isDrained(), "what came is taken");
    expect(reader.nextSeq).toBe((await log.lastSeq()) + 1);
  });
});
