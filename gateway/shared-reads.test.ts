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
  const reads = new SharedReads({ atOnce: 2 });
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
  const reads = new SharedReads({ atOnce: 1 });
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
  const reads = new SharedReads({ atOnce: 1 });
  const fails = reads.share("a", () => Promise.reject(new Error("gone")));
  const next = reads.share("b", () => Promise.resolve(1));
  await expect(fails).rejects.toThrow("gone");
  expect(await next).toBe(1);
  expect(await reads.share("a", () => Promise.resolve(2))).toBe(2);
});

const busy = { code: "GatewayBusy" };

test("more than may wait are refused at once", async () => {
  const { ends, read, settle } = controlled();
  const reads = new SharedReads({ atOnce: 1, maxWaiting: 1 });
  const [first, second] = [reads.share("a", read("a")), reads.share("b", read("b"))];
  await expect(reads.share("c", read("c"))).rejects.toMatchObject(busy);
  // Who shares one that waits takes no room.
  const shared = reads.share("b", read("b"));
  ends[0]?.("A");
  expect(await first).toBe("A");
  await settle();
  ends[1]?.("B");
  expect(await Promise.all([second, shared])).toEqual(["B", "B"]);
});

test("one that waits for too long does not begin", async () => {
  const { begun, ends, read } = controlled();
  const reads = new SharedReads({ atOnce: 1, waitMs: 10 });
  const first = reads.share("a", read("a"));
  await expect(reads.share("b", read("b"))).rejects.toMatchObject(busy);
  expect(reads.waiting).toBe(0);
  ends[0]?.("A");
  expect(await first).toBe("A");
  expect(begun).toEqual(["a"]);
});

test("a read that nobody waits for any more does not begin, or is told to end", async () => {
  const { begun, read, settle } = controlled();
  const reads = new SharedReads({ atOnce: 1 });
  const callers = [new AbortController(), new AbortController(), new AbortController()] as const;
  let told: AbortSignal | undefined;
  const going = reads.share(
    "a",
    (signal) => {
      told = signal;
      return new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    callers[0].signal,
  );
  const [one, other] = [1, 2].map((at) => reads.share("b", read("b"), callers[at]?.signal));
  going.catch(() => {});
  callers[1].abort();
  await expect(one).rejects.toMatchObject(busy);
  // The other one still waits for it.
  expect(reads.waiting).toBe(1);
  callers[2].abort();
  await expect(other).rejects.toMatchObject(busy);
  expect(reads.waiting).toBe(0);
  expect(told?.aborted).toBe(false);
  callers[0].abort();
  await expect(going).rejects.toMatchObject(busy);
  expect(told?.aborted).toBe(true);
  await settle();
  expect(begun).toEqual([]);
  expect(await reads.share("c", () => Promise.resolve("next"))).toBe("next");
});

test("a read that takes too long is told to end, and keeps its place until it has", async () => {
  const { begun, ends, read, settle } = controlled();
  const reads = new SharedReads({ atOnce: 1, readMs: 10 });
  await expect(reads.share("a", read("a"))).rejects.toMatchObject(busy);
  const next = reads.share("b", read("b"));
  await settle();
  expect(begun).toEqual(["a"]);
  ends[0]?.("late");
  await settle();
  ends[1]?.("B");
  expect(await next).toBe("B");
});
