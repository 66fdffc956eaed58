import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BlobReference, isBlobReference } from "../flow/index.ts";
import { withServer } from "../nats/testing.ts";
import { BlobStore } from "./blob-store.ts";
import { bytesBehind, offloadValues, resolveValues, surelyWithin } from "./large-values.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

const store = () => new BlobStore(nats.nc, { cacheBytes: 0 });
const kib = (count: number, fill = "x") => fill.repeat(count * 1024);
const offload = (values: Record<string, unknown>, more: Partial<Parameters<typeof offloadValues>[2]> = {}) =>
  offloadValues(store(), values, { run: "r1", what: "output of a", ...more });
const namesOf = (values: Readonly<Record<string, unknown>>) =>
  Object.keys(values).filter((name) => isBlobReference(values[name]));

describe("offloading", () => {
  test("what is small stays the same object", async () => {
    const values = { a: 1, b: kib(200), c: null };
    expect(await offload(values)).toBe(values);
  });

  test("a value over 256 KiB becomes a reference, and comes back", async () => {
    const values = { a: 1, big: kib(300), list: Array.from({ length: 100_000 }, (_, at) => at), d: { k: kib(400) } };
    const travelling = await offload(values);
    expect(namesOf(travelling)).toEqual(["big", "list", "d"]);
    expect(travelling).toMatchObject({ a: 1, big: { $blob: { type: "str" } }, list: { $blob: { type: "list" } } });
    expect(JSON.stringify(travelling).length).toBeLessThan(1_200);
    expect(await resolveValues(store(), travelling, { runs: ["r1"] })).toEqual(values);
  });

  test("where all together are too large, the largest go until the rest fits", async () => {
    const values = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`p${at}`, kib(at === 7 ? 201 : 200)]));
    const travelling = await offload(values, { roomBytes: 900 * 1024 });
    expect(Buffer.byteLength(JSON.stringify(travelling))).toBeLessThan(900 * 1024);
    expect(namesOf(travelling)).toContain("p7");
    expect(namesOf(travelling).length).toBe(96);
    expect(await resolveValues(store(), travelling, { runs: ["r1"] })).toEqual(values);
  });

  test("what is to be kept stays inline while there is room", async () => {
    const values = { a: kib(300), b: kib(310) };
    expect(namesOf(await offload(values, { keep: ["b"], roomBytes: 900 * 1024 }))).toEqual(["a"]);
    expect(namesOf(await offload(values, { keep: ["b"], roomBytes: 200 * 1024 }))).toEqual(["a", "b"]);
  });

  test.each([
    ["too large", kib(20), "PayloadTooLarge"],
    ["with a key that would reach a prototype", JSON.parse(`{"__proto__":"${kib(6)}"}`), "ValidationError"],
  ])("refused: a value %s", async (_, value, code) => {
    const limits = { inlineBytes: 4_096, maxValueBytes: 10_000 };
    await expect(offload({ value }, limits)).rejects.toMatchObject({ code, retryable: false });
  });

  test("the quick look never takes a large value for a small one", () => {
    for (const value of ["é".repeat(100), "\u0001".repeat(100), [[[]]], { "\u0002": 1.1e-300 }, null, [-1e-7, true]]) {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      expect(surelyWithin(value, bytes - 1)).toBe(false);
    }
    expect(surelyWithin({ a: [1, "b"] }, 1_000)).toBe(true);
  });
});

describe("resolving", () => {
  const referenceTo = async (value: unknown, run = "r1"): Promise<BlobReference> => {
    const json = Buffer.from(JSON.stringify(value));
    return store().put(run, json, { type: "list" });
  };

  test("references inside lists and dicts are resolved, the rest is shared", async () => {
    const reference = await referenceTo([1, 2]);
    const value = { plain: { x: 1 }, deep: [{ at: [reference] }, reference] };
    const resolved = await resolveValues(store(), value, { runs: ["r1"] });
    expect(resolved).toEqual({ plain: { x: 1 }, deep: [{ at: [[1, 2]] }, [1, 2]] });
    expect(resolved.plain).toBe(value.plain);
    // What one place does to its value, another does not see.
    expect(resolved.deep[1]).not.toBe((resolved.deep[0] as unknown as { at: unknown[] }).at[0]);
  });

  test("a blob that holds references is resolved to the end", async () => {
    const outer = await referenceTo([await referenceTo([1]), await referenceTo([2])]);
    expect(await resolveValues(store(), { outer }, { runs: ["r1"] })).toEqual({ outer: [[1], [2]] });
  });

  test("a reference to another run's value is data like any other", async () => {
    const foreign = await referenceTo(["secret"], "r2");
    const value = { foreign, inside: [foreign] };
    expect(await resolveValues(store(), value, { runs: ["r1"] })).toBe(value);
    expect(await resolveValues(store(), value, { runs: ["r1", "r2"] })).toEqual({
      foreign: ["secret"],
      inside: [["secret"]],
    });
  });

  test("another run's reference hidden in an own blob is not honoured either", async () => {
    const foreign = await referenceTo(["secret"], "r2");
    const own = await referenceTo([foreign]);
    expect(await resolveValues(store(), { own }, { runs: ["r1"] })).toEqual({ own: [foreign] });
  });

  test("a made-up reference under the own run finds nothing", async () => {
    const sha256 = "0".repeat(64);
    const made = { $blob: { id: `run/r1/${sha256}`, size: 3, sha256, type: "str" } };
    await expect(resolveValues(store(), made, { runs: ["r1"] })).rejects.toMatchObject({
      code: "DataNotAvailable",
      retryable: false,
    });
  });

  test("more than the reader may take in is refused before it is read", async () => {
    const reference = await referenceTo(kib(2));
    expect(bytesBehind([reference, { reference }], ["r1"])).toBe(2 * (2 * 1024 + 2));
    const many = Array.from({ length: 10 }, () => reference);
    await expect(resolveValues(store(), many, { runs: ["r1"], maxBytes: 10_000 })).rejects.toMatchObject({
      code: "PayloadTooLarge",
    });
  });
});
