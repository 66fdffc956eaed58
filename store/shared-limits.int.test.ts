import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUCKETS, bucketStream } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { SharedLimits } from "./shared-limits.ts";

const nats = withServer();
let here: SharedLimits;
let there: SharedLimits;
beforeAll(async () => {
  await nats.start();
  here = new SharedLimits(await nats.connect());
  there = new SharedLimits(await nats.connect());
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  await nats.stop();
});

const wait = (ms = 20_000, signal: AbortSignal = new AbortController().signal) => ({ signal, until: Date.now() + ms });
const nextTurn = () => new Promise((done) => setTimeout(done, 30));

describe("slots", () => {
  test("no more are taken than there are, whoever asks, and each is given on when it is free", async () => {
    let inside = 0;
    let most = 0;
    const work = async (limits: SharedLimits) => {
      const slot = await limits.slot("endpoint a", 3, wait());
      most = Math.max(most, ++inside);
      await nextTurn();
      inside--;
      await slot.release();
    };
    await Promise.all(Array.from({ length: 24 }, (_, at) => work(at % 2 === 0 ? here : there)));
    expect(most).toBe(3);
    expect(inside).toBe(0);
  });

  test("who waits too long hears that all are taken; who is aborted, of the abort", async () => {
    const slot = await here.slot("b", 1, wait());
    await expect(there.slot("b", 1, wait(100))).rejects.toMatchObject({ code: "LimitReached", retryable: true });
    const abort = new AbortController();
    const aborted = there.slot("b", 1, wait(20_000, abort.signal));
    abort.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    expect(there.slotsTaken("b")).toBe(1);
    await slot.release();
    await (await there.slot("b", 1, wait())).release();
  });

  test("a slot is kept while its holder lives, however long, and free again soon after it died", async () => {
    const nc = await nats.connect();
    await new SharedLimits(nc, { slotTtlMs: 1_000 }).slot("c", 1, wait());
    await expect(there.slot("c", 1, wait(2_200))).rejects.toMatchObject({ code: "LimitReached" });
    await nc.close();
    const slot = await there.slot("c", 1, wait());
    await slot.release();
  });
});

test("a slot of which not even a marker is left is free", async () => {
  const slot = await here.slot("d", 1, wait());
  await expect(there.slot("d", 1, wait(100))).rejects.toMatchObject({ code: "LimitReached" });
  const jsm = await jetstreamManager(nats.nc);
  await jsm.streams.purge(bucketStream(BUCKETS.limits), { filter: `$KV.${BUCKETS.limits}.slot.d.0` });
  await (await there.slot("d", 1, wait())).release();
  await slot.release();
});

describe("a rate", () => {
  test("spreads what is asked for over time, across processes", async () => {
    const rate = { perMinute: 600, burst: 2 };
    const began = performance.now();
    await Promise.all(
      Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? here : there).turn("fast", rate, 1, wait())),
    );
    // Two at once, then one every 100 ms.
    expect(performance.now() - began).toBeGreaterThan(550);
  });

  test("refuses at once who would have to wait too long, without taking a place", async () => {
    const rate = { perMinute: 1, burst: 1 };
    await here.turn("slow", rate, 1, wait());
    await expect(there.turn("slow", rate, 1, wait(1_000))).rejects.toMatchObject({ code: "LimitReached" });
    await here.charge("slow", rate, -1);
    await there.turn("slow", rate, 1, wait(1_000));
  });
});

describe("a budget", () => {
  const ask = (holder: string, wanted: number, least = 1) => ({ holder, limit: 100, least, wanted });

  test("gives what is wanted, then what is left, then nothing", async () => {
    const first = await here.reserve("run", ask("a", 60), wait());
    const second = await there.reserve("run", ask("b", 60), wait());
    expect([first.granted, second.granted]).toEqual([60, 40]);
    const third = there.reserve("run", ask("c", 60, 20), wait());
    await first.settle(30);
    expect((await third).granted).toBe(30);
    await second.settle(40);
    await (await third).settle(30);
    await expect(here.reserve("run", ask("d", 10), wait())).rejects.toMatchObject({
      code: "BudgetExceeded",
      retryable: false,
      details: { limit: 100, spent: 100 },
    });
  });

  test("work that is done again takes the place of what it had reserved", async () => {
    await here.reserve("again", ask("a", 80), wait());
    expect((await there.reserve("again", ask("a", 80), wait())).granted).toBe(80);
  });
});

test("a mark is seen by all and passes by itself", async () => {
  expect(await there.isMarked("x")).toBe(false);
  await here.mark("x", 1_000);
  expect(await there.isMarked("x")).toBe(true);
  await expect.poll(() => there.isMarked("x"), { timeout: 10_000 }).toBe(false);
});
