import { hash } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  type DispatchEntry,
  decodeMessage,
  encodeMessage,
  headerNames,
  type NodeResult,
  resultMessage,
  STREAMS,
  subjects,
} from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { NodeCatalog } from "../store/index.ts";
import { type Actor, type ActorOptions, startActor } from "./actor.ts";
import { defineNode } from "./define-node.ts";
import type { NodeContext, NodeDefinition } from "./node-definition.ts";
import { any, str } from "./pins.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

const actors: Actor[] = [];
afterEach(async () => {
  await Promise.all(actors.splice(0).map((actor) => actor.stop({ drainMs: 0 })));
});

let serial = 0;
/** Each test has types, runs and execution ids of its own: the queue is shared, and the log drops an id's second copy. */
const fresh = (what: string) => `${what}_${++serial}`;

const echo = (type: string) =>
  defineNode({
    type,
    title: "Echo",
    category: "test",
    inputs: { value: any() },
    outputs: { value: any() },
    run: ({ inputs }) => ({ value: inputs.value }),
  });

const slow = (type: string, run: (ctx: NodeContext, name: string) => Promise<unknown>) =>
  defineNode({
    type,
    title: "Slow",
    category: "test",
    inputs: { name: str().optional() },
    outputs: { value: any() },
    run: async ({ inputs, ctx }) => ({ value: (await run(ctx, inputs.name ?? "")) ?? null }),
  });

async function start(
  definitions: readonly NodeDefinition[],
  more: Partial<ActorOptions> = {},
  nc: NatsConnection = nats.nc,
): Promise<Actor> {
  const nodes = new Map(definitions.map((definition) => [definition.nodeType.type, definition]));
  const actor = await startActor({ nc, nodes, logger: pino({ level: "silent" }), ...more });
  actors.push(actor);
  return actor;
}

async function dispatch(type: string, entries: readonly Partial<DispatchEntry>[]): Promise<void> {
  const full = entries.map((entry) => dispatchEntryOf(entry));
  await jetstream(nats.nc).publish(subjects.node(type), encodeMessage({ v: 1, type, entries: full }));
}

interface Logged {
  /** As its subject says. */
  readonly partition: string;
  readonly msgId: string;
  readonly results: NodeResult[];
}

/** The result messages of a type in the log, in order. */
async function logged(type: string): Promise<Logged[]> {
  const jsm = await jetstreamManager(nats.nc);
  const found: Logged[] = [];
  const { state } = await jsm.streams.info(STREAMS.log, {
    subjects_filter: subjects.result(type, 0).replace(/0$/, "*"),
  });
  if (Object.keys(state.subjects ?? {}).length === 0) return found;
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const stored = await jsm.streams.getMessage(STREAMS.log, { seq });
    if (!stored?.subject.startsWith(`rayflow.result.${type}.`)) continue;
    const message = decodeMessage(resultMessage, stored.data);
    if (!message.ok) throw new Error(message.reason);
    const partition = stored.subject.split(".").at(-1) ?? "";
    found.push({ partition, msgId: stored.header.get(headerNames.msgId), results: message.value.results });
  }
  return found;
}

async function resultsOf(type: string, count: number): Promise<NodeResult[]> {
  let results: NodeResult[] = [];
  await eventually(async () => {
    results = (await logged(type)).flatMap((message) => message.results);
    return results.length >= count;
  }, `${count} results of ${type}`);
  return results;
}

/** Messages of a type that nobody has acked. */
async function queued(type: string): Promise<number> {
  const info = await (await jetstreamManager(nats.nc)).consumers.info(STREAMS.nodes, type);
  return info.num_pending + info.num_ack_pending;
}

const queueEmpty = (type: string) => eventually(async () => (await queued(type)) === 0, `${type} has no work left`);

test("a dispatched entry's result is in the log, and the message is acked", async () => {
  const type = fresh("echo");
  const actor = await start([echo(type)], { id: "me" });
  await dispatch(type, [{ id: "r1:a@#1", inputs: { value: [1, null] }, partition: 3 }]);
  const [result] = await resultsOf(type, 1);
  expect(result).toMatchObject({ id: "r1:a@#1", status: "ok", outputs: { value: [1, null] }, actor: "me" });
  const [message] = await logged(type);
  expect(message).toMatchObject({ partition: "3", msgId: "r1:a@#1" });
  await queueEmpty(type);
  expect(actor.counters).toMatchObject({ executed: 1, failed: 0, inFlight: 0 });
});

test("a data entry is run like any other", async () => {
  const type = fresh("echo");
  await start([echo(type)]);
  await dispatch(type, [{ kind: "data", id: "r1:b@>p#1", inputs: { value: 1 } }]);
  expect(await resultsOf(type, 1)).toMatchObject([{ id: "r1:b@>p#1", status: "ok" }]);
});

test("the results of one message travel together, whatever their partitions, under the hash of their ids", async () => {
  const type = fresh("echo");
  await start([echo(type)]);
  const entries = Array.from({ length: 30 }, (_, at) => ({ id: `e${at}`, partition: at % 3, inputs: { value: at } }));
  await dispatch(type, entries);
  const results = await resultsOf(type, 30);
  expect(new Set(results.map(({ id }) => id)).size).toBe(30);
  const messages = await logged(type);
  expect(messages.map(({ partition }) => partition)).toEqual(["many"]);
  for (const { msgId, results: inside } of messages) {
    expect(msgId).toBe(hash("sha256", inside.map(({ id }) => id).join("\n"), "base64url"));
  }
  await queueEmpty(type);
});

test("results for runs of one partition go to that partition alone", async () => {
  const type = fresh("echo");
  await start([echo(type)]);
  await dispatch(
    type,
    [1, 2, 3].map((at) => ({ id: `e${at}`, partition: 5, inputs: { value: at } })),
  );
  await resultsOf(type, 3);
  expect(new Set((await logged(type)).map(({ partition }) => partition))).toEqual(new Set(["5"]));
  await queueEmpty(type);
});

test("a slow entry does not hold back the quick ones of its message", async () => {
  const type = fresh("slow");
  let finish = () => {};
  const gate = new Promise<void>((done) => {
    finish = done;
  });
  await start([slow(type, (_ctx, name) => (name === "slow" ? gate : Promise.resolve()))]);
  await dispatch(type, [
    { id: "s", inputs: { name: "slow" } },
    { id: "q1", inputs: { name: "quick" } },
    { id: "q2", inputs: { name: "quick" } },
  ]);
  expect((await resultsOf(type, 2)).map(({ id }) => id)).toEqual(["q1", "q2"]);
  expect(await queued(type)).toBe(1);
  finish();
  expect((await resultsOf(type, 3)).map(({ id }) => id)).toEqual(["q1", "q2", "s"]);
  await queueEmpty(type);
});

test("no more entries run at once than the limit says, and all run", async () => {
  const type = fresh("slow");
  let now = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++now);
    // Until the limit is reached nobody leaves: otherwise a slow dispatch would keep it from ever being reached.
    for (let turn = 0; most < 5 && turn < 2_000; turn++) await new Promise((done) => setTimeout(done, 2));
    now--;
  };
  await start([slow(type, work)], { concurrency: 5 });
  for (let at = 0; at < 20; at++) await dispatch(type, [{ id: `${type}a${at}` }, { id: `${type}b${at}` }]);
  await resultsOf(type, 40);
  expect(most).toBe(5);
  await queueEmpty(type);
});

test("a malformed message is refused once, and the next one is run", async () => {
  const type = fresh("echo");
  const actor = await start([echo(type)]);
  const js = jetstream(nats.nc);
  await js.publish(subjects.node(type), "{ not json");
  await js.publish(subjects.node(type), encodeMessage({ v: 2, type, entries: [] }));
  await dispatch(type, [{ id: "good", inputs: { value: 1 } }]);
  expect(await resultsOf(type, 1)).toMatchObject([{ id: "good" }]);
  await queueEmpty(type);
  expect(actor.counters.refused).toBe(2);
});

test("work of a type that is not served here is handed back, not failed", async () => {
  const type = fresh("echo");
  const actor = await start([echo(type)]);
  const entries = [dispatchEntryOf({ id: `${type}stray` })];
  await jetstream(nats.nc).publish(subjects.node(type), encodeMessage({ v: 1, type: "elsewhere", entries }));
  await dispatch(type, [{ id: `${type}good`, inputs: { value: 1 } }]);
  await resultsOf(type, 1);
  expect(await queued(type)).toBe(1);
  expect(actor.counters).toMatchObject({ executed: 1, failed: 0, refused: 0 });
});

test("a message delivered more than maxLost times too often fails with ActorLost and is not run", async () => {
  const type = fresh("echo");
  await (await start([echo(type)])).stop();
  await dispatch(type, [{ id: "bad1" }, { id: "bad2", partition: 1 }]);
  // Three actors in a row take it and give it back.
  const consumer = await jetstream(nats.nc).consumers.get(STREAMS.nodes, type);
  for (let lost = 0; lost < 3; lost++) (await consumer.next())?.nak();
  let runs = 0;
  const counting = slow(type, async () => ++runs);
  const actor = await start([counting], { maxLost: 2 });
  const results = await resultsOf(type, 2);
  expect(results.map(({ error }) => error?.code)).toEqual(["ActorLost", "ActorLost"]);
  await queueEmpty(type);
  expect(runs).toBe(0);
  expect(actor.counters).toMatchObject({ lost: 2, executed: 0, redelivered: 1 });
});

test("a message delivered maxLost times too often still runs", async () => {
  const type = fresh("echo");
  await (await start([echo(type)])).stop();
  await dispatch(type, [{ id: "again", inputs: { value: 1 } }]);
  const consumer = await jetstream(nats.nc).consumers.get(STREAMS.nodes, type);
  for (let lost = 0; lost < 2; lost++) (await consumer.next())?.nak();
  await start([echo(type)], { maxLost: 2 });
  expect(await resultsOf(type, 1)).toMatchObject([{ id: "again", status: "ok" }]);
});

test("a message that comes again is taken apart: who ends its actors is lost alone", async () => {
  const type = fresh("poison");
  await (await start([echo(type)])).stop();
  await dispatch(type, [
    { id: `${type}a`, inputs: { value: 1 } },
    { id: `${type}b`, inputs: { value: 2 } },
    { id: `${type}c`, lost: 2 },
  ]);
  const consumer = await jetstream(nats.nc).consumers.get(STREAMS.nodes, type);
  (await consumer.next())?.nak();
  const actor = await start([echo(type)], { maxLost: 2 });
  const results = await resultsOf(type, 3);
  const ends = results.map(({ id, status, error }) => [id, error?.code ?? status]).sort();
  // Two actors were lost over the third before, and one over all of them.
  expect(ends).toEqual([
    [`${type}a`, "ok"],
    [`${type}b`, "ok"],
    [`${type}c`, "ActorLost"],
  ]);
  await queueEmpty(type);
  expect(actor.counters).toMatchObject({ executed: 2, lost: 1, redelivered: 1 });
});

test("work longer than the ack wait is not delivered again", async () => {
  const type = fresh("slow");
  let runs = 0;
  const work = async () => {
    runs++;
    await new Promise((done) => setTimeout(done, 1_500));
  };
  const options = { ackWaitMs: 500, concurrency: 1 };
  const first = await start([slow(type, work)], options);
  const second = await start([slow(type, work)], options, await nats.connect());
  // Four for two slots: two of them wait in the actors, longer than the ack wait.
  for (let at = 0; at < 4; at++) await dispatch(type, [{ id: `${type}${at}` }]);
  await resultsOf(type, 4);
  await queueEmpty(type);
  expect(runs).toBe(4);
  expect(first.counters.redelivered + second.counters.redelivered).toBe(0);
});

test("an entry that is dispatched again while it runs, runs once, and both messages are acked", async () => {
  const type = fresh("slow");
  let runs = 0;
  let finish = () => {};
  const gate = new Promise<void>((done) => {
    finish = done;
  });
  await start([
    slow(type, async () => {
      runs++;
      await gate;
    }),
  ]);
  await dispatch(type, [{ id: "twice" }]);
  await eventually(() => runs === 1, "it runs");
  await dispatch(type, [{ id: "twice" }, { id: "once" }]);
  await eventually(() => runs === 2, "the other entry of the second message runs");
  finish();
  await queueEmpty(type);
  expect(runs).toBe(2);
  expect((await resultsOf(type, 2)).map(({ id }) => id).sort()).toEqual(["once", "twice"]);
});

test("a cancel ends what runs and what waits of the run, and nothing else", async () => {
  const type = fresh("slow");
  const run = fresh("run");
  const aborted: unknown[] = [];
  let others = () => {};
  const gate = new Promise<void>((done) => {
    others = done;
  });
  const started: string[] = [];
  const actor = await start(
    [
      slow(type, async (ctx, name) => {
        started.push(name);
        ctx.signal.addEventListener("abort", () => aborted.push(name));
        await (name === "other" ? gate : new Promise(() => undefined));
      }),
    ],
    { concurrency: 2 },
  );
  await dispatch(type, [
    { id: "c1", run, inputs: { name: "running" } },
    { id: "o1", run: "rother", inputs: { name: "other" } },
    { id: "c2", run, inputs: { name: "waiting" } },
  ]);
  await eventually(() => actor.counters.inFlight === 2, "two run");
  nats.nc.publish(subjects.cancel(run));
  const results = await resultsOf(type, 2);
  expect(results.map(({ id, error }) => [id, error?.code])).toEqual([
    ["c1", "RunCancelled"],
    ["c2", "RunCancelled"],
  ]);
  expect(aborted).toEqual(["running"]);
  expect(started).toEqual(["running", "other"]);
  others();
  expect(await resultsOf(type, 3)).toMatchObject([{}, {}, { id: "o1", status: "ok" }]);
});

test("outputs over the limit fail their node, not their neighbours; two that fit no one message go in two", async () => {
  const type = fresh("big");
  const big = slow(type, async (_ctx, name) => "x".repeat(Number(name)));
  await start([big], { inlineBytes: 1_000_000, maxValueBytes: 1_000_000 });
  const half = "600000";
  await dispatch(type, [
    { id: "too large", inputs: { name: "2000000" } },
    { id: "half", inputs: { name: half } },
    { id: "other half", inputs: { name: half } },
  ]);
  const results = await resultsOf(type, 3);
  expect(results.find(({ id }) => id === "too large")?.error?.code).toBe("PayloadTooLarge");
  expect(results.filter(({ status }) => status === "ok")).toHaveLength(2);
  await queueEmpty(type);
});

test("a stopping actor hands back what has not begun and lets the rest end", async () => {
  const type = fresh("slow");
  const ran: string[] = [];
  let finish = () => {};
  const gate = new Promise<void>((done) => {
    finish = done;
  });
  const first = await start(
    [
      slow(type, async (_ctx, name) => {
        await gate;
        ran.push(name);
      }),
    ],
    { concurrency: 1 },
  );
  await dispatch(type, [{ id: `${type}a`, inputs: { name: "a" } }]);
  await eventually(() => first.counters.inFlight === 1, "the first runs");
  await dispatch(type, [{ id: `${type}b`, inputs: { name: "b" } }]);
  await eventually(async () => (await queued(type)) === 2, "both are with the actor");
  const stopped = first.stop();
  // Well within the ack wait of 15 s: it was handed back, not waited for.
  const second = await start([slow(type, async () => "second")], {}, await nats.connect());
  await resultsOf(type, 1);
  expect(second.counters).toMatchObject({ executed: 1 });
  finish();
  await stopped;
  expect(ran).toEqual(["a"]);
  await queueEmpty(type);
  expect((await resultsOf(type, 2)).map(({ id }) => id).sort()).toEqual([`${type}a`, `${type}b`]);
});

test("work that outlasts the drain is aborted and handed back without a result", async () => {
  const type = fresh("slow");
  let reason: unknown;
  const first = await start([
    slow(type, (ctx) => {
      ctx.signal.addEventListener("abort", () => {
        reason = ctx.signal.reason;
      });
      return new Promise(() => undefined);
    }),
  ]);
  await dispatch(type, [{ id: `${type}a` }]);
  await eventually(() => first.counters.inFlight === 1, "it runs");
  await first.stop({ drainMs: 50 });
  expect(reason).toMatchObject({ code: "ActorLost" });
  expect(await logged(type)).toEqual([]);
  await start([slow(type, async () => "done")], {}, await nats.connect());
  expect(await resultsOf(type, 1)).toMatchObject([{ status: "ok", outputs: { value: "done" } }]);
});

test("the types are in the catalog, control types too", async () => {
  const type = fresh("echo");
  const control: NodeDefinition = { ...echo(fresh("control")), execute: undefined };
  const declared = { ...control, nodeType: { ...control.nodeType, kind: "start" as const } };
  const actor = await start([echo(type), declared]);
  expect(actor.types).toEqual([type]);
  const types = (await (await NodeCatalog.open(nats.nc)).list()).map((known) => known.type);
  expect(types).toEqual(expect.arrayContaining([type, declared.nodeType.type]));
});

test("an unknown type is refused at the start, by name", async () => {
  await expect(start([echo("echo_known")], { types: ["echo_unknown"] })).rejects.toMatchObject({
    code: "NodeLoadError",
    message: "no such node type for an actor: echo_unknown",
  });
});

test("a deleted consumer is set up again", async () => {
  const type = fresh("echo");
  await start([echo(type)]);
  await (await jetstreamManager(nats.nc)).consumers.delete(STREAMS.nodes, type);
  await dispatch(type, [{ id: "after", inputs: { value: 1 } }]);
  expect(await resultsOf(type, 1)).toMatchObject([{ id: "after" }]);
});

test("a deleted queue is set up again, and work that ran meanwhile is not acked into the new one", async () => {
  const type = fresh("slow");
  let finish = () => {};
  const gate = new Promise<void>((done) => {
    finish = done;
  });
  const actor = await start([slow(type, (_ctx, name) => (name === "old" ? gate : Promise.resolve()))]);
  await dispatch(type, [{ id: `${type}old`, inputs: { name: "old" } }]);
  await eventually(() => actor.counters.inFlight === 1, "it runs");
  await (await jetstreamManager(nats.nc)).streams.delete(STREAMS.nodes);
  await eventually(
    () => queued(type).then(() => true, () => false), // biome-ignore format: reads better
    "the actor has set the queue up again",
    // Asked while the stream is being deleted, the server may say that all is well: then silence tells, after 25 s.
    40_000,
  );
  await dispatch(type, [{ id: `${type}new` }]);
  expect((await resultsOf(type, 1)).map(({ id }) => id)).toEqual([`${type}new`]);
  finish();
  expect((await resultsOf(type, 2)).map(({ id }) => id)).toEqual([`${type}new`, `${type}old`]);
  await queueEmpty(type);
});
