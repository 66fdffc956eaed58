import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withServer } from "../nats/testing.ts";
import { CheckpointStore } from "./checkpoint-store.ts";

const nats = withServer();
let store: CheckpointStore;
beforeAll(async () => {
  await nats.start();
  store = await CheckpointStore.open(nats.nc);
});
afterAll(nats.stop);

const checkpointAt = (sequence: number, owner = "o1") => ({
  replay_from: sequence,
  emitted_through: sequence,
  queue_created: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:01.000Z",
  owner,
});

test("a partition that was never written has none", async () => {
  expect(await store.read(0)).toEqual({ checkpoint: undefined, revision: 0 });
});

test("what was written is read, revision by revision", async () => {
  const first = await store.write(1, checkpointAt(5), 0);
  const second = await store.write(1, checkpointAt(9), first);
  expect(await store.read(1)).toEqual({ checkpoint: { v: 1, ...checkpointAt(9) }, revision: second });
  expect((await store.readAll(3)).map((found) => found?.replay_from)).toEqual([undefined, 9, undefined]);
});

test("who missed a revision may not write", async () => {
  const first = await store.write(2, checkpointAt(5), 0);
  await store.write(2, checkpointAt(6, "o2"), first);
  await expect(store.write(2, checkpointAt(7), first)).rejects.toMatchObject({
    code: "StoreConflict",
    retryable: false,
  });
  await expect(store.write(2, checkpointAt(7, "o3"), 0)).rejects.toMatchObject({ code: "StoreConflict" });
});

test("a write of one's own whose answer was lost is no conflict", async () => {
  const first = await store.write(3, checkpointAt(5), 0);
  const lost = await store.write(3, checkpointAt(6), first);
  expect(await store.write(3, checkpointAt(7), first)).toBeGreaterThan(lost);
  expect((await store.read(3)).checkpoint?.replay_from).toBe(7);
});

test("one that cannot be read counts as none and can be replaced", async () => {
  await jetstream(nats.nc).publish("$KV.rayflow_checkpoints.p.4", '{"replay_from":-1}');
  const { checkpoint, revision } = await store.read(4);
  expect(checkpoint).toBeUndefined();
  await store.write(4, checkpointAt(1), revision);
  expect((await store.read(4)).checkpoint?.replay_from).toBe(1);
});
