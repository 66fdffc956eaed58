import { expect, test } from "vitest";
import { SharedReads } from "./shared-reads.ts";

/** Reads that go on until they are told to end; `begun` has their names in order. */
function controlled() {
  const begun: string[] = [];
  const ends: ((value: string) => void)[] = [];
  const read = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((done) => ends.push(done));
  };
  const settle = () => new Promise((done) => setImmediate(done));
  return { begun, ends, read, settle };
}

test("only so many reads go on at a time, in the order they were asked for", async () => {
  const { begun, ends, read, settle } = controlled();
  const reads = new SharedReads(2);
  const all = ["a", "b", "c", "d"].map((name) => reads.share(name, read(name)));
  expect(begun).toEqual(["a", "b"]);
  ends[1]?.("B");
  await settle();
  expect(begun).toEqual(["a", "b", "c"]);
  ends[0]?.("A");
  await settle();
  ends[2]?.("C");
  ends[3]?.("D");
  expect(await Promise.all(all)).toEqual(["A", "B", "C", "D"]);
});

test("those who ask while a read waits share it; one that goes on already is too old for them", async () => {
  const { begun, ends, read, settle } = controlled();
  const reads = new SharedReads(1);
  const first = reads.share("a", read("first"));
  const later = [1, 2, 3].map(() => reads.share("a", read("later")));
  ends[0]?.("old");
  await settle();
  ends[1]?.("new");
  expect(await first).toBe("old");
  expect(await Promise.all(later)).toEqual(["new", "new", "new"]);
  expect(begun).toEqual(["first", "later"]);
});

test("a read that fails gives its place to the next", async () => {
  const reads = new SharedReads(1);
  const fails = reads.share("a", () => Promise.reject(new Error("gone")));
  const next = reads.share("b", () => Promise.resolve(1));
  await expect(fails).rejects.toThrow("gone");
  expect(await next).toBe(1);
  expect(await reads.share("a", () => Promise.resolve(2))).toBe(2);
});
