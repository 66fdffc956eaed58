import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../gateway/testing-runs.ts";
import { readBounded } from "../../store/index.ts";
import { DeliberationDirectory } from "../deliberation-directory.ts";
import { deliberationIdOf } from "../messages.ts";
import { withCouncil } from "../testing-council.ts";
import type { PlanRefusedEvent, PlanStartedEvent } from "./plan-message.ts";
import { planTaskId } from "./plan-message.ts";
import { startPlans } from "./plans.ts";
import { ensureEventStreams, eventStreams } from "./streams.ts";

const council = withCouncil();
const { nats } = council;
const services: AsyncDisposable[] = [];
const warnings: string[] = [];
const logger = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) };
let directory: DeliberationDirectory;

beforeAll(async () => {
  await council.start();
  directory = await DeliberationDirectory.open(nats.nc);
});
afterAll(async () => {
  for (const service of services) await service[Symbol.asyncDispose]();
  await council.stop();
});

const messages = async <T>(stream: string, filter: string): Promise<T[]> => {
  const found: T[] = [];
  for await (const message of readBounded(jetstream(nats.nc), { stream, filter })) {
    found.push(message.json<T>());
  }
  return found;
};
const started = () => messages<PlanStartedEvent>("ORCHESTRATOR_EVENTS", "orchestration.plan.started");
const refused = () => messages<PlanRefusedEvent>("PLANNING_EVENTS", "planning.plan.refused");
const submitted = async () => (await directory.page({ limit: 100 })).deliberations;
const approve = (plan: unknown, msgID?: string) =>
  jetstream(nats.nc).publish(
    "planning.plan.approved",
    typeof plan === "string" ? plan : JSON.stringify(plan),
    msgID === undefined ? {} : { msgID },
  );
const serve = async (name: string): Promise<void> => {
  const nc = await nats.connect(name);
  const { records, runs } = directory;
  services.push(startPlans({ nc, records, runs, council: { size: 2 }, logger }));
};

describe("the streams", () => {
  test("are made once, whoever makes them, with their ages; what is there stays as it is", async () => {
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.add({ name: "PLANNING_EVENTS", subjects: ["planning.>"], max_age: 60_000_000_000 });
    const made = await Promise.all([1, 2, 3].map(() => ensureEventStreams(nats.nc)));
    expect([...new Set(made.flat())].sort()).toEqual([
      "AGENT_RESULTS",
      "CONTEXT_EVENTS",
      "ORCHESTRATOR_EVENTS",
      "VLLM_STREAMING",
    ]);
    expect(await ensureEventStreams(nats.nc)).toEqual([]);
    const ages = await Promise.all(eventStreams.map(async ({ name }) => (await jsm.streams.info(name)).config.max_age));
    const [minute, hour, day] = [60e9, 3600e9, 86_400e9];
    expect(ages).toEqual([minute, 7 * day, 7 * day, hour, 10 * minute]);
  });

  test("a stream of somebody else in the way is said, not changed", async () => {
    const jsm = await jetstreamManager(nats.nc);
    await jsm.streams.delete("CONTEXT_EVENTS");
    await jsm.streams.add({ name: "THEIRS", subjects: ["context.changes"] });
    await expect(ensureEventStreams(nats.nc)).rejects.toMatchObject({ code: "TopologyConflict" });
    await jsm.streams.delete("THEIRS");
    expect(await ensureEventStreams(nats.nc)).toEqual(["CONTEXT_EVENTS"]);
  });
});

describe("an approved plan", () => {
  const plan = {
    plan_id: "P1",
    story_id: "S1",
    role: "QA",
    approved_by: "po",
    tasks: [
      { task_id: "T1", task_description: "Test it" },
      { task_id: "T2", task_description: "Build it", role: "DEV", agents: [{ id: "dev-a" }], rounds: 2 },
    ],
  };

  test("published before anybody listens, and before any actor serves, starts a deliberation for each task", async () => {
    await approve(plan);
    await Promise.all([serve("one"), serve("other")]);
    await eventually(() => expect(warnings).toContainEqual(expect.stringContaining("could not be begun")));
    const model = await council.startStandIn();
    model.behave("hang=1");
    await council.serve([{ url: model.url }]);
    await eventually(async () => expect(await started()).toHaveLength(1));
    const [event] = await started();
    expect(event).toMatchObject({ plan_id: "P1", story_id: "S1" });
    expect(event?.deliberations).toEqual(
      ["T1", "T2"].map((task_id) => ({ task_id, deliberation_id: deliberationIdOf(planTaskId("P1", task_id)) })),
    );
    const records = await Promise.all(
      (event?.deliberations ?? []).map(({ deliberation_id }) => directory.record(deliberation_id)),
    );
    expect(records).toMatchObject([
      { role: "QA", plan_id: "P1", story_id: "S1", agents: [{ id: "agent-qa-001" }, { id: "agent-qa-002" }] },
      { role: "DEV", agents: [{ id: "dev-a" }] },
    ]);
  });

  test("published again, under another id and by several at once, starts nothing more", async () => {
    await Promise.all([approve(plan), approve(plan, "again"), approve(plan, "once more")]);
    await eventually(async () => expect(await started()).toHaveLength(4));
    expect(await submitted()).toHaveLength(2);
    expect((await directory.totals()).active).toBe(2);
  });

  test("the same task in another plan is another deliberation, whatever the ids hold", async () => {
    expect(planTaskId("a:b", "c")).not.toBe(planTaskId("a", "b:c"));
    await approve({ ...plan, plan_id: "P 2/ü" });
    await eventually(async () => expect(await submitted()).toHaveLength(4));
  });

  test.each([
    ["no JSON", "{", undefined],
    ["no tasks", { plan_id: "P3", tasks: [] }, undefined],
    ["a task twice", { plan_id: "P4", tasks: [plan.tasks[0], plan.tasks[0]] }, undefined],
    [
      "a quorum that cannot be had",
      { plan_id: "P5", tasks: [plan.tasks[0], { task_id: "T9", task_description: "x", quorum: 9 }] },
      "T9",
    ],
  ])("with %s is refused as a whole, once, and says why", async (_, bad, task) => {
    const before = (await refused()).length;
    const runs = (await submitted()).length;
    await approve(bad);
    await eventually(async () => expect(await refused()).toHaveLength(before + 1));
    const event = (await refused()).at(-1);
    expect(event?.error.message).not.toBe("");
    expect(event?.task_id).toBe(task);
    expect(await submitted()).toHaveLength(runs);
  });

  test("with a task that was another one before is refused for that task alone", async () => {
    const changed = { ...plan, tasks: [{ ...plan.tasks[0], task_description: "Something else" }, plan.tasks[1]] };
    await approve(changed);
    await eventually(async () =>
      expect((await refused()).at(-1)).toMatchObject({
        plan_id: "P1",
        task_id: "T1",
        error: { code: "IdempotencyKeyReused" },
      }),
    );
    await eventually(async () => {
      const consumer = await jetstream(nats.nc).consumers.get("PLANNING_EVENTS", "rayflow-plans");
      expect(await consumer.info()).toMatchObject({ num_ack_pending: 0, num_pending: 0 });
    });
  });
});
