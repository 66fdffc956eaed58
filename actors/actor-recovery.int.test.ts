/** What an actor does when its server goes away under it. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeMessage, encodeMessage, ensureTopology, resultMessage, STREAMS, subjects } from "../nats/index.ts";
import { eventually, reconnected, withServer } from "../nats/testing.ts";
import { type Actor, startActor } from "./actor.ts";
import { defineNode } from "./define-node.ts";
import { any } from "./pins.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const nats = withServer();
const logger = pino({ level: "silent" });
let actor: Actor;
let actorConnection: NatsConnection;
/** The runs whose nodes have begun, in order. */
let runs: string[];
let waiting: Map<string, () => void>;

beforeEach(async () => {
  runs = [];
  waiting = new Map();
  await nats.start();
  const gated = defineNode({
    type: "test_gated",
    title: "Gated",
    category: "test",
    outputs: { value: any() },
    run: async ({ ctx }) => {
      runs.push(ctx.runId);
      if (ctx.runId !== "rquick") await new Promise<void>((done) => waiting.set(ctx.runId, done));
      return { value: ctx.runId };
    },
  });
  actorConnection = await nats.connect("actor");
  actor = await startActor({ nc: actorConnection, nodes: new Map([["test_gated", gated]]), logger });
});

afterEach(async () => {
  await actor.stop({ drainMs: 0 });
  await nats.stop();
});

/** Lets the node of a run end. */
const finish = (run: string) => waiting.get(run)?.();

async function dispatch(id: string, run: string): Promise<void> {
  const message = { v: 1, type: "test_gated", entries: [dispatchEntryOf({ id, run })] };
  await jetstream(nats.nc).publish(subjects.node("test_gated"), encodeMessage(message));
}

async function resultIds(): Promise<string[]> {
  const consumer = await jetstream(nats.nc).consumers.get(STREAMS.log);
  const info = await consumer.info();
  const ids: string[] = [];
  for (let left = info.num_pending; left > 0; left--) {
    const stored = await consumer.next({ expires: 2_000 });
    const message = stored && decodeMessage(resultMessage, stored.data);
    if (message?.ok) ids.push(...message.value.results.map(({ id }) => id));
  }
  return ids;
}

const results = (ids: readonly string[]) =>
  eventually(async () => same(await resultIds(), ids), `results ${ids}`, 20_000);

function same(found: readonly string[], wanted: readonly string[]): boolean {
  return [...found].sort().join() === [...wanted].sort().join();
}

test("after the server was killed and the queue with it, the actor takes work again and still gives what it ran", async () => {
  await dispatch("before", "rslow");
  await eventually(() => actor.counters.inFlight === 1, "it runs");
  await nats.server.kill();
  finish("rslow");
  await eventually(() => actor.counters.inFlight === 0, "it ends while there is no server");
  await nats.server.restart();
  await reconnected(nats.nc);
  await ensureTopology(nats.nc);
  await dispatch("after", "rquick");
  await results(["before", "after"]);
  expect(runs).toEqual(["rslow", "rquick"]);
});

test("what is sent again to a new queue, because the old one is lost, does not run twice while it is in hand", async () => {
  await dispatch("once", "rslow");
  await eventually(() => actor.counters.inFlight === 1, "it runs");
  await nats.server.kill();
  await nats.server.restart();
  await reconnected(nats.nc);
  await ensureTopology(nats.nc);
  await dispatch("once", "rslow");
  await dispatch("more", "rquick");
  await results(["more"]);
  finish("rslow");
  await results(["more", "once"]);
  expect(runs).toEqual(["rslow", "rquick"]);
});

test("an orderly restart of the server is survived, again and again", async () => {
  for (const round of [1, 2, 3]) {
    await nats.server.restart();
    await reconnected(nats.nc);
    await ensureTopology(nats.nc);
    await dispatch(`round${round}`, "rquick");
    await eventually(async () => (await resultIds()).includes(`round${round}`), `round ${round}`, 20_000);
  }
});

test("an answer for a message of the lost queue does not answer one of the new queue", async () => {
  // Both are the first message of their queue.
  await dispatch("old", "rold");
  await eventually(() => actor.counters.inFlight === 1, "the old one runs");
  await nats.server.kill();
  await nats.server.restart();
  await reconnected(nats.nc);
  await ensureTopology(nats.nc);
  await dispatch("new", "rnew");
  await eventually(() => actor.counters.inFlight === 2, "the new one runs");
  finish("rold");
  await results(["old"]);
  const jsm = await jetstreamManager(nats.nc);
  expect((await jsm.streams.info(STREAMS.nodes)).state.messages).toBe(1);
  finish("rnew");
  await results(["old", "new"]);
  await eventually(async () => (await jsm.streams.info(STREAMS.nodes)).state.messages === 0, "it is acked");
});

test("a connection that comes back to the same queue keeps what it runs, and acks it", async () => {
  await dispatch("kept", "rslow");
  await eventually(() => actor.counters.inFlight === 1, "it runs");
  await actorConnection.reconnect();
  finish("rslow");
  await results(["kept"]);
  const jsm = await jetstreamManager(nats.nc);
  await eventually(async () => (await jsm.streams.info(STREAMS.nodes)).state.messages === 0, "it is acked");
  await dispatch("next", "rquick");
  await results(["kept", "next"]);
  expect(runs).toEqual(["rslow", "rquick"]);
});

test("an actor whose connection is closed stops", async () => {
  const nc = await nats.connect("short");
  const nodes = new Map([
    ["test_gated", defineNode({ type: "test_gated", title: "", category: "", run: () => undefined })],
  ]);
  const short = await startActor({ nc, nodes, logger: logger });
  await nc.close();
  await short.stop();
});
