import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureNodeConsumer, ensureSubmitConsumer, ensureTimerConsumer } from "./consumers.ts";
import { startEmbeddedServer } from "./embedded-server.ts";
import { BUCKETS, bucketStream, objectStream, STREAMS } from "./names.ts";
import { subjects } from "./subjects.ts";
import { reconnected, withServer } from "./testing.ts";
import { ensureTopology } from "./topology.ts";

const nats = withServer({ topology: false });
beforeAll(nats.start);
afterAll(nats.stop);

const ALL_STREAMS = [
  ...Object.values(STREAMS),
  ...Object.values(BUCKETS).map((name) => (name === BUCKETS.blobs ? objectStream(name) : bucketStream(name))),
].sort();

async function streamNames(): Promise<string[]> {
  const jsm = await jetstreamManager(nats.nc);
  const names: string[] = [];
  for await (const name of jsm.streams.names()) names.push(name);
  return names.sort();
}

describe("ensureTopology", () => {
  test("two processes set it up at the same moment, and one number of partitions wins", async () => {
    const [a, b] = [await nats.connect(), await nats.connect()];
    const start = performance.now();
    const [first, second] = await Promise.all([
      ensureTopology(a, { partitions: 4 }),
      ensureTopology(b, { partitions: 6 }),
    ]);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(first.partitions).toBe(second.partitions);
    expect([...first.kept, ...second.kept]).toHaveLength(1);
    expect(first.queueCreated).toBe(second.queueCreated);
    expect(await streamNames()).toEqual(ALL_STREAMS);
  });

  test("a second time it changes nothing, and says since when the queues exist", async () => {
    const before = await ensureTopology(nats.nc);
    const after = await ensureTopology(nats.nc);
    expect(after).toEqual(before);
    expect(new Date(after.queueCreated).getTime()).toBeLessThanOrEqual(Date.now());
    expect(after.kept).toEqual([]);
  });

  test("what may change is changed and stays so for who has no opinion; no message is lost", async () => {
    const js = jetstream(nats.nc);
    const { seq } = await js.publish(subjects.run(0, "r1"), "{}");
    const changed = await ensureTopology(nats.nc, { historyMaxAgeMs: 3_600_000, nodesStorage: "file", partitions: 99 });
    expect(changed.kept).toHaveLength(2);
    const jsm = await jetstreamManager(nats.nc);
    expect((await jsm.streams.info(STREAMS.history)).config.max_age).toBe(3_600_000 * 1e6);
    expect((await ensureTopology(nats.nc)).settings.historyMaxAgeMs).toBe(3_600_000);
    expect((await jsm.streams.info(STREAMS.log)).state.last_seq).toBe(seq);
  });

  test("the log takes no rollup, no deletion of single messages and no schedule", async () => {
    const jsm = await jetstreamManager(nats.nc);
    const { config } = await jsm.streams.info(STREAMS.log);
    expect(config.allow_rollup_hdrs).toBe(false);
    expect(config.deny_delete).toBe(true);
    expect(config.allow_msg_schedules ?? false).toBe(false);
    await expect(
      jetstream(nats.nc).publish(subjects.run(0, "r1"), "{}", {
        schedule: { specification: "@at 2000-01-01T00:00:00Z", target: subjects.run(0, "r2") },
      }),
    ).rejects.toThrow();
  });

  test("the queue in memory comes back empty, with another date, after the server died", async () => {
    const before = await ensureTopology(nats.nc);
    await jetstream(nats.nc).publish(subjects.node("math_add"), "{}");
    await nats.server.kill();
    await nats.server.restart();
    await reconnected(nats.nc);
    const after = await ensureTopology(nats.nc);
    expect(after.queueCreated).not.toBe(before.queueCreated);
    expect(after.submitCreated).toBe(before.submitCreated);
    const jsm = await jetstreamManager(nats.nc);
    expect((await jsm.streams.info(STREAMS.nodes)).state.messages).toBe(0);
  });

  test("a stranger's stream on our subjects is a TopologyConflict", async () => {
    await using server = await startEmbeddedServer();
    const { connectNats } = await import("./connection.ts");
    const nc = await connectNats({ name: "t", servers: server.url });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "MINE", subjects: ["rayflow.>"] });
    await expect(ensureTopology(nc)).rejects.toMatchObject({ code: "TopologyConflict" });
    await nc.close();
  });

  test("impossible settings are refused", async () => {
    await expect(ensureTopology(nats.nc, { partitions: 0 })).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("consumers", () => {
  test("the queue of a node type is made once and changed in place", async () => {
    const jsm = await jetstreamManager(nats.nc);
    const made = await ensureNodeConsumer(jsm, "math_add");
    const again = await ensureNodeConsumer(jsm, "math_add");
    expect(again.created).toBe(made.created);
    expect(made.config).toMatchObject({ ack_wait: 15_000 * 1e6, max_ack_pending: 1024, max_deliver: -1 });
    expect(made.config.mem_storage).toBe(true);
    const changed = await ensureNodeConsumer(jsm, "math_add", { ackWaitMs: 20_000 });
    expect(changed.config.ack_wait).toBe(20_000 * 1e6);
    expect(changed.created).toBe(made.created);
  });

  test("submissions and fired timers have one shared consumer each", async () => {
    const jsm = await jetstreamManager(nats.nc);
    const made = await Promise.all([ensureSubmitConsumer(jsm), ensureSubmitConsumer(jsm), ensureTimerConsumer(jsm)]);
    expect(made.map(({ stream_name }) => stream_name)).toEqual([STREAMS.submit, STREAMS.submit, STREAMS.timers]);
    await expect(ensureTimerConsumer(jsm)).resolves.toMatchObject({ name: "orchestrator" });
  });
});
