import { createHash } from "node:crypto";
import { jetstreamManager } from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BlobReference } from "../flow/index.ts";
import { BUCKETS, objectStream } from "../nats/index.ts";
import { reconnected, withServer } from "../nats/testing.ts";
import { BlobStore } from "./blob-store.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

let serial = 0;
const freshRun = () => `r${++serial}`;
/** Without a cache: every read is one of the server. */
const store = () => new BlobStore(nats.nc, { cacheBytes: 0 });
const bytesOf = (length: number, fill = "x") => Buffer.from(JSON.stringify(fill.repeat(length)));
const subjectsOf = async (filter: string) => {
  const { state } = await (await jetstreamManager(nats.nc)).streams.info(objectStream(BUCKETS.blobs), {
    subjects_filter: filter,
  });
  return Object.keys(state.subjects ?? {});
};
const chunksOf = (run: string) => subjectsOf(`$O.${BUCKETS.blobs}.C.${run}.>`);

test.each([1, 1_000, 128 * 1024 - 2, 128 * 1024 + 1, 6_000_000])(
  "%i bytes come back as they went in",
  async (length) => {
    const json = bytesOf(length);
    const reference = await store().put(freshRun(), json, { type: "str" });
    expect(reference.$blob.size).toBe(json.length);
    expect(Buffer.compare(await store().read(reference), json)).toBe(0);
  },
);

test("the object store of any client reads it under its id", async () => {
  const json = bytesOf(300_000);
  const run = freshRun();
  const { $blob } = await store().put(run, json, { type: "str", description: "output of a" });
  expect($blob.id).toBe(`run/${run}/${createHash("sha256").update(json).digest("hex")}`);
  const objects = await new Objm(nats.nc).open(BUCKETS.blobs);
  expect(await objects.getBlob($blob.id)).toEqual(new Uint8Array(json));
  expect(await objects.info($blob.id)).toMatchObject({ description: "output of a", size: json.length });
});

test("the same value put twice is one blob; another one takes nothing away from it", async () => {
  const run = freshRun();
  const first = await store().put(run, bytesOf(10), { type: "str" });
  expect(await store().put(run, bytesOf(10), { type: "str" })).toEqual(first);
  expect(await chunksOf(run)).toHaveLength(1);
  await store().put(run, bytesOf(10, "y"), { type: "str" });
  expect(Buffer.compare(await store().read(first), bytesOf(10))).toBe(0);
});

test("two that put the same value at the same moment do not spoil it", async () => {
  const run = freshRun();
  const json = bytesOf(2_000_000);
  const [reference] = await Promise.all([1, 2, 3].map(() => store().put(run, json, { type: "str" })));
  expect(Buffer.compare(await store().read(reference as BlobReference), json)).toBe(0);
});

test("deleteRun takes all of a run and nothing of another", async () => {
  const [run, other] = [freshRun(), freshRun()];
  const gone = await store().put(run, bytesOf(10), { type: "str" });
  await store().put(run, bytesOf(500_000), { type: "str" });
  const kept = await store().put(other, bytesOf(10), { type: "str" });
  expect(await store().deleteRun(run)).toBe(2);
  expect(await chunksOf(run)).toEqual([]);
  await expect(store().read(gone)).rejects.toMatchObject({ code: "DataNotAvailable", retryable: false });
  expect(await store().read(kept)).toHaveLength(12);
  expect(await store().deleteRun(run)).toBe(0);
});

test("sweep deletes the runs that nobody keeps, but none that is young", async () => {
  const [old, live] = [freshRun(), freshRun()];
  await store().put(old, bytesOf(10), { type: "str" });
  await store().put(live, bytesOf(10), { type: "str" });
  const isKept = async (run: string) => run !== old;
  expect(await store().sweep(isKept, 60_000)).toEqual([]);
  expect(await store().sweep(isKept, 0)).toEqual([old]);
  expect(await chunksOf(old)).toEqual([]);
  expect(await chunksOf(live)).toHaveLength(1);
});

test("what is not what the reference says is refused", async () => {
  const run = freshRun();
  const { $blob } = await store().put(run, bytesOf(10), { type: "str" });
  const objects = await new Objm(nats.nc).open(BUCKETS.blobs);
  await objects.putBlob({ name: $blob.id }, bytesOf(10, "z"));
  await expect(store().read({ $blob })).rejects.toMatchObject({ code: "DataNotAvailable" });
});

test("a server that comes back finds the put and the read waiting", async () => {
  const run = freshRun();
  const json = bytesOf(3_000_000);
  const early = await store().put(run, json, { type: "str" });
  await nats.server.kill();
  const reading = store().read(early);
  const putting = store().put(run, bytesOf(1_000_000, "y"), { type: "str" });
  await nats.server.restart();
  await reconnected(nats.nc);
  expect(Buffer.compare(await reading, json)).toBe(0);
  expect(Buffer.compare(await store().read(await putting), bytesOf(1_000_000, "y"))).toBe(0);
});

test("waiting for the server ends when the caller has no time left", async () => {
  const impatient = new BlobStore(nats.nc, { cacheBytes: 0 });
  const reference = await impatient.put(freshRun(), bytesOf(10), { type: "str" });
  await expect(impatient.read(reference, AbortSignal.abort(new Error("over")))).rejects.toThrow("over");
});
