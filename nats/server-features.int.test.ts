/** What RayFlow relies on of the server and the client; a new version of either has to show it again. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ensureTimerConsumer } from "./consumers.ts";
import { STREAMS } from "./names.ts";
import { firedBy, type Schedule, scheduleHeaders } from "./schedules.ts";
import { subjects } from "./subjects.ts";
import { eventually, reconnected, withServer } from "./testing.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
beforeAll(nats.start);
afterAll(nats.stop);

const inMs = (ms: number) => Date.now() + ms;

describe("message schedules", () => {
  interface Fired {
    readonly id: string;
    readonly text: string;
    readonly at: number;
    readonly by: string | undefined;
    readonly hasMsgId: boolean;
  }

  async function collectFired(): Promise<Fired[]> {
    const fired: Fired[] = [];
    const jsm = await jetstreamManager(nats.nc);
    const info = await ensureTimerConsumer(jsm);
    const messages = await jsm
      .jetstream()
      .consumers.getConsumerFromInfo(info)
      .consume({
        callback: (message) => {
          const id = message.subject.split(".").at(-1) ?? "";
          const hasMsgId = message.headers?.has("Nats-Msg-Id") ?? false;
          const by = firedBy(message.headers === undefined ? {} : { headers: message.headers });
          fired.push({ id, text: message.string(), at: Date.now(), by, hasMsgId });
          message.ack();
        },
      });
    onTestFinished(() => messages.stop());
    return fired;
  }

  function schedule(id: string, when: Schedule | number, text = id) {
    const target = subjects.fire(0, "r1", id);
    const made = typeof when === "number" ? { at: when, target } : when;
    return jetstream(nats.nc).publish(subjects.timer(0, "r1", id), text, { headers: scheduleHeaders(made) });
  }

  async function left(): Promise<string[]> {
    const jsm = await jetstreamManager(nats.nc);
    const { state } = await jsm.streams.info(STREAMS.timers, { subjects_filter: ">" });
    return Object.keys(state.subjects ?? {}).sort();
  }

  test("one fires at its time, one in the past at once, and neither stays behind", async () => {
    const fired = await collectFired();
    const due = inMs(800);
    await schedule("soon", due);
    await schedule("past", inMs(-60_000));
    await eventually(() => fired.length === 2, "both fire");
    expect(fired.map(({ id }) => id)).toEqual(["past", "soon"]);
    expect(fired[1]).toMatchObject({ text: "soon", by: subjects.timer(0, "r1", "soon"), hasMsgId: false });
    expect(fired[1]?.at).toBeGreaterThanOrEqual(due);
    expect((fired[1]?.at ?? 0) - due).toBeLessThan(1_500);
    await eventually(async () => (await left()).length === 0, "nothing is left");
  });

  test("publishing again replaces one, purging its subject cancels it", async () => {
    const fired = await collectFired();
    await schedule("replaced", inMs(60_000), "old");
    await schedule("replaced", inMs(500), "new");
    await schedule("cancelled", inMs(400));
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.purge(STREAMS.timers, { filter: subjects.timer(0, "r1", "cancelled") });
    await schedule("after", inMs(1_000));
    await eventually(() => fired.some(({ id }) => id === "after"), "the last one fires");
    expect(fired.map(({ text }) => text)).toEqual(["new", "after"]);
  });

  test("one that comes due while the server is down fires when it is up again", async () => {
    const fired = await collectFired();
    await schedule("overdue", inMs(300));
    await schedule("far", inMs(3_600_000));
    await nats.server.kill();
    await new Promise((done) => setTimeout(done, 600));
    await nats.server.restart();
    await reconnected(nats.nc);
    await eventually(() => fired.length === 1, "it fires", 20_000);
    expect(await left()).toEqual([subjects.timer(0, "r1", "far")]);
  });

  test("a target outside the stream is refused", async () => {
    const elsewhere = { at: inMs(0), target: subjects.run(0, "r1") };
    await expect(schedule("elsewhere", elsewhere)).rejects.toThrow();
  });

  test("a cron schedule fires again and again until it is cancelled", async () => {
    const fired = await collectFired();
    await schedule("cron", { cron: "* * * * * *", target: subjects.fire(0, "r1", "cron") });
    await eventually(() => fired.length >= 2, "it fires twice");
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.purge(STREAMS.timers, { filter: subjects.timer(0, "r1", "cron") });
  });

  test("a date that is none is refused here", () => {
    expect(() => scheduleHeaders({ at: Number.NaN, target: "x" })).toThrow(/no time/);
  });
});

describe("key-value buckets", () => {
  test("an entry of the lease bucket ends after its TTL, with a marker, and can be made again", async () => {
    const kv = await new Kvm(jetstream(nats.nc)).open("rayflow_leases");
    const seen: string[] = [];
    const watch = await kv.watch({ key: "p.0" });
    onTestFinished(() => watch.stop());
    void (async () => {
      for await (const entry of watch) seen.push(entry.operation);
    })();
    const start = performance.now();
    const revision = await kv.create("p.0", "x");
    await expect(kv.create("p.0", "y")).rejects.toMatchObject({ code: 10071 });
    await eventually(() => seen.includes("PURGE"), "the watch is told");
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(await kv.create("p.0", "z")).toBeGreaterThan(revision);
  });

  test("an entry of the cache bucket may end on its own", async () => {
    const kv = await new Kvm(jetstream(nats.nc)).open("rayflow_cache");
    await kv.create("k", "v", "1s");
    await kv.put("stays", "v");
    await eventually(async () => (await kv.get("k"))?.operation !== "PUT", "it has ended");
    expect((await kv.get("stays"))?.operation).toBe("PUT");
  });

  test("a write from an old revision is refused with 10071", async () => {
    const kv = await new Kvm(jetstream(nats.nc)).open("rayflow_vars");
    const revision = await kv.put("global.x", "1");
    await kv.update("global.x", "2", revision);
    await expect(kv.update("global.x", "3", revision)).rejects.toMatchObject({ code: 10071 });
  });
});
