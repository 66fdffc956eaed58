import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../gateway/testing-runs.ts";
import { withServer } from "../../nats/testing.ts";
import { readBounded } from "../../store/index.ts";
import { deliberationSubjects } from "../messages.ts";
import { ensureEventStreams } from "../pipeline/streams.ts";
import { contextUpdatedEvent, startContextService } from "./context-service.ts";
import type { ContextStore } from "./context-store.ts";
import { openKvContextStore } from "./kv-context-store.ts";
import { openNeo4jContextStore } from "./neo4j-context-store.ts";
import { contextStoreContract } from "./testing-contract.ts";
import { cachedInValkey } from "./valkey-cache.ts";

const nats = withServer();
let store: ContextStore;
beforeAll(async () => {
  await nats.start();
  store = await openKvContextStore(nats.nc);
  await ensureEventStreams(nats.nc);
});
afterAll(nats.stop);

describe("the context on JetStream KV", () => {
  test.each(Object.entries(contextStoreContract))("%s", (_, run) => run(store));
});

const completed = (id: string) => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  const answer = {
    agent_id: "ada",
    role: "DEV",
    proposal: "NATS",
    reasoning: "",
    round: 1,
    model: "m",
    endpoint: "e",
    usage,
    duration_ms: 5,
    stand_in: true,
    score: 0.9,
    criteria: {},
    rank: 1,
  };
  return {
    v: 1,
    event_type: "orchestration.deliberation.completed",
    task_id: `task ${id}`,
    deliberation_id: `run-${id}`,
    task_description: "Choose",
    role: "DEV",
    constraints: {},
    plan_id: "PLAN",
    tenant: "default",
    agents: [{ agent_id: "ada", role: "DEV" }],
    timestamp: "2026-01-05T09:00:00.000Z",
    winner: answer,
    results: [answer],
    scores: { ada: 0.9 },
    failures: [],
    rounds: 1,
    usage,
    duration_ms: 9,
    stand_in: true,
    winner_agent_id: "ada",
    decisions: [{ id: `d-${id}`, type: "deliberation", decision: "NATS", rationale: "best", decided_by: "ada" }],
  };
};
const publish = (id: string) =>
  jetstream(nats.nc).publish(deliberationSubjects.completed(), JSON.stringify(completed(id)));
const updates = async () => {
  const found = [];
  for await (const message of readBounded(jetstream(nats.nc), {
    stream: "CONTEXT_EVENTS",
    filter: "context.updated",
  })) {
    found.push(contextUpdatedEvent.parse(message.json()));
  }
  return found;
};
const logger = { info: () => {}, warn: () => {} };

test("a decision is kept and told once, although the store is down at first and the event comes twice", async () => {
  let fails = 2;
  const shaky: ContextStore = {
    name: store.name,
    save: async (context) => {
      if (fails-- > 0) throw new Error("the database is away");
      await store.save(context);
    },
    task: (id) => store.task(id),
    decisionsOf: (id) => store.decisionsOf(id),
    check: () => store.check(),
    [Symbol.asyncDispose]: async () => {},
  };
  await publish("one");
  const services = [startContextService({ nc: nats.nc, store: shaky, logger })];
  services.push(startContextService({ nc: await nats.connect("second"), store, logger }));
  await eventually(async () => expect(await updates()).toHaveLength(1));
  await publish("one");
  await publish("two");
  await jetstream(nats.nc).publish(deliberationSubjects.completed(), "no event");
  await eventually(async () =>
    expect((await updates()).map(({ decision_id }) => decision_id)).toEqual(["d-one", "d-two"]),
  );
  expect(await store.task("task one")).toMatchObject({ planId: "PLAN", decisions: [{ id: "d-one" }] });
  // Everything has been handled: nothing waits to come again.
  const consumer = await jetstream(nats.nc).consumers.get("ORCHESTRATOR_EVENTS", "rayflow-context");
  await eventually(async () => expect(await consumer.info()).toMatchObject({ num_ack_pending: 0, num_pending: 0 }));
  await Promise.all(services.map((service) => service.stop()));
});

test("what comes while no service runs is kept when one is back", async () => {
  await publish("three");
  await using _service = startContextService({ nc: nats.nc, store, logger });
  await eventually(async () => expect((await updates()).at(-1)).toMatchObject({ decision_id: "d-three" }));
});

test("databases that are away fail a write and take no read with them", async () => {
  const missed: unknown[] = [];
  const nowhere = "127.0.0.1:1";
  const cached = cachedInValkey(store, { url: `redis://${nowhere}`, onMiss: (error) => missed.push(error) });
  expect(await cached.task("task one")).toMatchObject({ decisions: [{ id: "d-one" }] });
  expect(missed).toHaveLength(1);
  const [context] = Object.values(contextStoreContract);
  await expect(context?.(cached)).rejects.toThrow();
  await expect(cached.checkCache()).rejects.toThrow();
  await using neo4j = await openNeo4jContextStore({ url: `bolt://${nowhere}`, password: "secret", timeoutMs: 200 });
  await expect(context?.(neo4j)).rejects.toThrow();
  await expect(neo4j.check()).rejects.toThrow();
  await cached[Symbol.asyncDispose]();
});
