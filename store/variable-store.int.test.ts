import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withServer } from "../nats/testing.ts";
import { type VariableOwner, VariableStore } from "./variable-store.ts";

const nats = withServer();
let store: VariableStore;
beforeAll(async () => {
  await nats.start();
  store = await VariableStore.open(nats.nc);
});
afterAll(nats.stop);

let runs = 0;
const newRun = () => ({ scope: "run", run: `r${++runs}` }) as const;
const global: VariableOwner = { scope: "global" };

describe("values", () => {
  test.each([0, "", null, false, [1, [2]], { a: { "b c": 1 } }])("%j comes back as it was set", async (value) => {
    const owner = newRun();
    await store.set(owner, "x", value);
    expect(await store.get(owner, "x")).toEqual({ value });
  });

  test("null is a value, and what was never set or was deleted is none", async () => {
    const owner = newRun();
    expect(await store.get(owner, "x")).toBeUndefined();
    expect(await store.delete(owner, "x")).toBe(false);
    await store.set(owner, "x", null);
    expect(await store.get(owner, "x")).toEqual({ value: null });
    expect(await store.delete(owner, "x")).toBe(true);
    expect(await store.delete(owner, "x")).toBe(false);
    expect(await store.get(owner, "x")).toBeUndefined();
    await store.set(owner, "x", 2);
    expect(await store.get(owner, "x")).toEqual({ value: 2 });
  });

  test("any name is a name: dots, wildcards and other scripts do not reach another variable", async () => {
    const owner = newRun();
    const names = ["a.b", "*", ">", "a b", "заказ", "x=2e", "__proto__", "a"];
    await Promise.all(names.map((name, at) => store.set(owner, name, at)));
    const listed = await store.listAll(owner);
    expect(Object.keys(listed).sort()).toEqual([...names].sort());
    for (const [at, name] of names.entries()) expect(await store.get(owner, name)).toEqual({ value: at });
  });

  test("scopes and owners do not mix", async () => {
    const run = newRun();
    await store.set(run, "n", "run");
    await store.set({ scope: "flow", flow: "my flow" }, "n", "flow");
    await store.set(global, "n", "global");
    const view = store.forExecution({ run: run.run, flow: "my flow", idempotencyKey: "k" });
    expect(await view.get("run", "n")).toEqual({ value: "run" });
    expect(await view.get("flow", "n")).toEqual({ value: "flow" });
    expect(await view.list("global")).toEqual({ n: "global" });
    expect(await store.listAll(newRun())).toEqual({});
  });

  test("what cannot be stored is refused", async () => {
    const owner = newRun();
    await expect(store.set(owner, "", 1)).rejects.toMatchObject({ code: "ValidationError" });
    await expect(store.set(owner, "n".repeat(600), 1)).rejects.toMatchObject({ code: "ValidationError" });
    await expect(store.set(owner, "x", undefined)).rejects.toMatchObject({ code: "ValidationError" });
    await expect(store.set(owner, "x", JSON.parse('{"__proto__":1}'))).rejects.toMatchObject({
      code: "ValidationError",
    });
    await expect(store.set(owner, "x", "y".repeat(1024 * 1024))).rejects.toMatchObject({ code: "PayloadTooLarge" });
    await expect(store.get({ scope: "run", run: "a.b" }, "x")).rejects.toMatchObject({ code: "MalformedMessage" });
  });

  test("an entry that somebody else spoiled counts as not set", async () => {
    const owner = newRun();
    await jetstream(nats.nc).publish(`$KV.rayflow_vars.run.${owner.run}.x`, "nonsense");
    expect(await store.get(owner, "x")).toBeUndefined();
    expect(store.refusals.total).toBeGreaterThan(0);
    await store.set(owner, "x", 1);
    expect(await store.get(owner, "x")).toEqual({ value: 1 });
  });
});

describe("increment", () => {
  const view = (run: string, idempotencyKey: string) => store.forExecution({ run, flow: "f", idempotencyKey });

  test("adds once per activation and call, however often it is delivered", async () => {
    const { run } = newRun();
    const first = view(run, "a");
    expect(await first.increment("run", "n", 2)).toBe(2);
    expect(await first.increment("run", "n", 3)).toBe(5);
    expect(await view(run, "b").increment("run", "n", 1)).toBe(6);
    const again = view(run, "a");
    expect(await again.increment("run", "n", 2)).toBe(2);
    expect(await again.increment("run", "n", 3)).toBe(5);
    expect(await view(run, "c").get("run", "n")).toEqual({ value: 6 });
  });

  test("a set in between does not make a redelivered one count again", async () => {
    const { run } = newRun();
    await view(run, "a").increment("run", "n", 1);
    await view(run, "b").set("run", "n", 10);
    expect(await view(run, "a").increment("run", "n", 1)).toBe(1);
    expect(await view(run, "c").get("run", "n")).toEqual({ value: 10 });
  });

  test("none is lost among competing processes", async () => {
    const { run } = newRun();
    const stores = await Promise.all(
      Array.from({ length: 4 }, async () => VariableStore.open(await nats.connect("actor"))),
    );
    const sums = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        stores[at % 4]?.forExecution({ run, flow: "f", idempotencyKey: `k${at}` }).increment("run", "n", 1),
      ),
    );
    expect(await store.get({ scope: "run", run }, "n")).toEqual({ value: 200 });
    expect(new Set(sums).size).toBe(200);
  });

  test("only the last 64 are remembered, so the entry stays small", async () => {
    const { run } = newRun();
    for (let at = 0; at < 70; at++) await view(run, `k${at}`).increment("run", "n", 1);
    expect(await view(run, "k69").increment("run", "n", 1)).toBe(70);
    expect(await view(run, "k5").increment("run", "n", 1)).toBe(71);
  });

  test("what is no number cannot be added to", async () => {
    const { run } = newRun();
    await store.set({ scope: "run", run }, "n", "1");
    await expect(view(run, "a").increment("run", "n", 1)).rejects.toMatchObject({ code: "ValidationError" });
    await expect(view(run, "a").increment("run", "m", Number.NaN)).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("a run's life", () => {
  test("seeding gives what is missing and leaves what is there", async () => {
    const owner = newRun();
    await store.seedRun(owner.run, { a: 1, b: 2 });
    await store.set(owner, "a", 9);
    await store.seedRun(owner.run, { a: 1, b: 2, c: 3 });
    expect(await store.listAll(owner)).toEqual({ a: 9, b: 2, c: 3 });
  });

  test("purging takes all of one run and nothing else", async () => {
    const [gone, stays] = [newRun(), newRun()];
    await store.seedRun(gone.run, { a: 1, b: 2 });
    await store.seedRun(stays.run, { a: 1 });
    await store.purgeRun(gone.run);
    expect(await store.listAll(gone)).toEqual({});
    expect(await store.listAll(stays)).toEqual({ a: 1 });
    await store.set(gone, "a", 3);
    expect(await store.listAll(gone)).toEqual({ a: 3 });
  });
});

describe("a server that dies under its clients", () => {
  test("loses no increment and repeats none; reads and writes wait for it", async () => {
    const owner = newRun();
    const own = await VariableStore.open(await nats.connect("survivor"));
    const counted = (async () => {
      const values: number[] = [];
      for (let n = 0; n < 400; n++) values.push(await own.increment(owner, "n", 1, `activation ${n}`));
      return values;
    })();
    const written = (async () => {
      for (let n = 0; n < 400; n++) {
        await own.set(owner, "m", n);
        expect(await own.get(owner, "m")).toEqual({ value: n });
      }
    })();
    for (let kills = 0; kills < 2; kills++) {
      await new Promise((done) => setTimeout(done, 50));
      await nats.server.kill();
      await nats.server.restart();
    }
    expect(await counted).toEqual(Array.from({ length: 400 }, (_, at) => at + 1));
    await written;
    expect(await own.listAll(owner)).toEqual({ n: 400, m: 399 });
  });
});
