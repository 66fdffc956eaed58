import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { eventually, reconnected, withServer } from "../nats/testing.ts";
import { LeaseManager } from "./lease-manager.ts";

const PARTITIONS = 8;
const TTL_MS = 2_000;
const nats = withServer({ topology: { partitions: PARTITIONS, leaseTtlMs: TTL_MS } });
beforeAll(nats.start);
afterAll(nats.stop);

interface Replica {
  readonly manager: LeaseManager;
  readonly holds: Set<number>;
  readonly news: string[];
}

const replicas: Replica[] = [];
beforeEach(() => {
  replicas.length = 0;
});

async function replica(id: string, connection = nats.nc): Promise<Replica> {
  const holds = new Set<number>();
  const news: string[] = [];
  const manager = await LeaseManager.open(connection, {
    id,
    partitions: PARTITIONS,
    onAcquired: (partition) => {
      holds.add(partition);
      news.push(`+${partition}`);
    },
    onLost: async (partition) => {
      await new Promise((done) => setTimeout(done, 5));
      holds.delete(partition);
      news.push(`-${partition}`);
      for (const other of replicas) if (other.holds !== holds) expect(other.holds.has(partition)).toBe(false);
    },
  });
  const made = { manager, holds, news };
  replicas.push(made);
  onTestFinished(() => manager.releaseAll());
  return made;
}

const sizes = (...all: Replica[]) => all.map(({ holds }) => holds.size).sort();
const covered = (...all: Replica[]) => new Set(all.flatMap(({ holds }) => [...holds])).size === PARTITIONS;

describe("shares", () => {
  test("a lone replica holds everything when start resolves, and at once", async () => {
    const a = await replica("a");
    const start = performance.now();
    await a.manager.start();
    expect(performance.now() - start).toBeLessThan(500);
    expect(a.holds.size).toBe(PARTITIONS);
    expect(a.manager.members).toEqual(["a"]);
    expect([...a.manager.held.values()].every((epoch) => epoch > 0)).toBe(true);
  });

  test("a second one gets half, a third its third, and none is held twice", async () => {
    const [a, b, c] = [await replica("a"), await replica("b"), await replica("c")];
    await a.manager.start();
    await b.manager.start();
    await eventually(() => sizes(a, b).join() === "4,4" && covered(a, b), "two share");
    await c.manager.start();
    await eventually(() => sizes(a, b, c).join() === "2,3,3" && covered(a, b, c), "three share");
    await c.manager.releaseAll();
    await eventually(() => sizes(a, b).join() === "4,4" && covered(a, b), "two share again");
    expect(c.holds.size).toBe(0);
    await b.manager.releaseAll();
    await eventually(() => a.holds.size === PARTITIONS, "one holds all again");
  });

  test("several that start at the same moment share from the start", async () => {
    const all = await Promise.all(["a", "b", "c", "d"].map((id) => replica(id)));
    await Promise.all(all.map(({ manager }) => manager.start()));
    await eventually(() => covered(...all) && sizes(...all).join() === "2,2,2,2", "four share");
  });

  test("what one gives back because it cannot drive it is left alone for a while", async () => {
    const a = await replica("a");
    await a.manager.start();
    await a.manager.release(3);
    expect(a.holds.has(3)).toBe(false);
    await eventually(() => a.holds.has(3), "it is taken again later");
    expect(a.news.slice(-2)).toEqual(["-3", "+3"]);
  });
});

describe("loss", () => {
  test("what a dead replica held is taken over within about a TTL, with a higher epoch", async () => {
    const connection = await nats.connect("dying");
    const [a, b] = [await replica("a"), await replica("b", connection)];
    await a.manager.start();
    await b.manager.start();
    await eventually(() => sizes(a, b).join() === "4,4", "two share");
    const before = b.manager.held;
    await connection.close();
    const start = performance.now();
    await eventually(() => a.holds.size === PARTITIONS, "the survivor holds all");
    expect(performance.now() - start).toBeLessThan(3 * TTL_MS);
    for (const [partition, epoch] of before) expect(a.manager.held.get(partition)).toBeGreaterThan(epoch);
    await eventually(() => b.holds.size === 0, "the dead one knows it, too");
  });

  test("a replica cut off from the server gives up before its TTL has passed", async () => {
    const a = await replica("a");
    await a.manager.start();
    const start = performance.now();
    await nats.server.kill();
    await eventually(() => a.holds.size === 0, "it has given up");
    expect(performance.now() - start).toBeLessThan(TTL_MS);
    await nats.server.restart();
    await reconnected(nats.nc);
    await eventually(() => a.holds.size === PARTITIONS, "it holds all again");
  });

  test("a short outage costs nothing", async () => {
    const a = await replica("a");
    await a.manager.start();
    const news = a.news.length;
    await nats.server.restart();
    await reconnected(nats.nc);
    await new Promise((done) => setTimeout(done, 2 * TTL_MS));
    expect(a.holds.size).toBe(PARTITIONS);
    expect(a.news.length).toBe(news);
  });
});
