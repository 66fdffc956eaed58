import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUCKETS, bucketStream } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { type CacheKeyParts, cacheKey, ResultCache } from "./result-cache.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

const sha256 = "ab".repeat(32);
const reference = (run: string) => ({ $blob: { id: `run/${run}/${sha256}`, size: 5, sha256, type: "list" } });
const keyOf = (more: Partial<CacheKeyParts> = {}) =>
  cacheKey({ type: "math_add", version: "1", config: {}, inputs: { x: 1, y: { a: 1, b: 2 } }, runs: ["r1"], ...more });

describe("the key", () => {
  test("is the same whatever order the keys of objects came in", () => {
    expect(keyOf({ inputs: { y: { b: 2, a: 1 }, x: 1 } })).toBe(keyOf());
    expect(keyOf()).toMatch(/^math_add\.[A-Za-z0-9_-]{43}$/);
  });

  test.each<[string, Partial<CacheKeyParts>]>([
    ["another type", { type: "math_sub" }],
    ["another version", { version: "2" }],
    ["another config", { config: { precision: 2 } }],
    ["another input", { inputs: { x: 2, y: { a: 1, b: 2 } } }],
    ["an input more", { inputs: { x: 1, y: { a: 1, b: 2 }, z: null } }],
    ["a template", { template: "{x}" }],
  ])("is another one for %s", (_, more) => {
    expect(keyOf(more)).not.toBe(keyOf());
  });

  test("by a template only what it names counts", () => {
    const one = keyOf({ template: "user-{id}", inputs: { id: 1, now: 5 } });
    expect(keyOf({ template: "user-{id}", inputs: { id: 1, now: 6 } })).toBe(one);
    expect(keyOf({ template: "user-{id}", inputs: { id: 2, now: 5 } })).not.toBe(one);
    expect(keyOf({ template: "{a}-{b}", inputs: { a: "x-y", b: "z" } })).not.toBe(
      keyOf({ template: "{a}-{b}", inputs: { a: "x", b: "y-z" } }),
    );
  });

  test("a template that names an input without a value is an error", () => {
    expect(() => keyOf({ template: "{nobody}" })).toThrow(expect.objectContaining({ code: "ValidationError" }));
  });

  test("a reference counts as its content, a foreign one as what it says", () => {
    const own = keyOf({ inputs: { x: reference("r1") } });
    expect(keyOf({ inputs: { x: reference("r2") }, runs: ["r2"] })).toBe(own);
    expect(keyOf({ inputs: { x: reference("r2") } })).not.toBe(own);
    expect(keyOf({ inputs: { x: `#${sha256}` } })).not.toBe(own);
  });
});

describe("the store", () => {
  test("gives what was put, until its time is over", async () => {
    const cache = new ResultCache(nats.nc);
    expect(await cache.get("t.a")).toBeUndefined();
    expect(await cache.put("t.a", { outputs: { x: [1, null] }, exec: ["yes"] }, 60_000)).toBe(true);
    expect(await cache.put("t.short", { outputs: {} }, 1)).toBe(true);
    expect(await cache.get("t.a")).toEqual({ outputs: { x: [1, null] }, exec: ["yes"] });
    await eventually(async () => (await cache.get("t.short")) === undefined, "the short one is a miss");
    await cache.put("t.a", { outputs: { x: 2 } }, 60_000);
    expect(await cache.get("t.a")).toEqual({ outputs: { x: 2 } });
  });

  test("the server forgets an entry when its time is over", async () => {
    await new ResultCache(nats.nc).put("t.gone", { outputs: {} }, 500);
    const jsm = await jetstreamManager(nats.nc);
    const subject = `$KV.${BUCKETS.cache}.t.gone`;
    const last = () => jsm.streams.getMessage(bucketStream(BUCKETS.cache), { last_by_subj: subject });
    expect((await last())?.data.length).toBeGreaterThan(0);
    await eventually(async () => ((await last())?.data.length ?? 0) === 0, "only a marker is left");
    expect(await new ResultCache(nats.nc).get("t.gone")).toBeUndefined();
  });

  test("what is large is not kept", async () => {
    expect(await new ResultCache(nats.nc).put("t.large", { outputs: { x: "x".repeat(300_000) } }, 60_000)).toBe(false);
  });

  test("an entry that makes no sense is a miss", async () => {
    await nats.nc.request(`$KV.${BUCKETS.cache}.t.odd`, "no json");
    expect(await new ResultCache(nats.nc).get("t.odd")).toBeUndefined();
  });

  test("without a server there is nothing, and nobody fails", async () => {
    const nc = await nats.connect("closing");
    const cache = new ResultCache(nc);
    await nc.close();
    expect(await cache.get("t.a")).toBeUndefined();
    expect(await cache.put("t.a", { outputs: {} }, 1_000)).toBe(false);
  });
});
