/** The services of deliberations under the rights of their roles: enough for a plan's whole way, and nothing besides. */
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Message, type ReflectedClient, reflectedClient } from "../deliberation/grpc/testing-client.ts";
import {
  CONTEXT_UPDATED,
  contextUpdatedEvent,
  deliberationIdOf,
  type ModelStandIn,
  startModelStandIn,
} from "../deliberation/index.ts";
import { eventually } from "../gateway/testing-runs.ts";
import { type Attempt, isAllowed } from "./permissions/attempts.ts";
import { type LockedServer, startLockedServer } from "./permissions/locked-server.ts";

const COUNCIL = "ai_council,ai_agent,ai_collect,ai_judge,ai_announce,variables_get,variables_set";
const ROLES = ["orchestrator", "gateway", "executor", "context", `council=actor:${COUNCIL}`];
const SERVICE = "ray_executor.v1.RayExecutorService";
const TASK = "PLAN-1:TASK-1";
const deliberation_id = deliberationIdOf(TASK);
const agents = [{ id: "ada" }, { id: "bea" }];

let server: LockedServer;
let model: ModelStandIn;
let client: ReflectedClient;
let page = "";
let gateway: NatsConnection;
const connections = new Map<string, NatsConnection>();
/** Who was refused what, each once. */
const refused = () => [...new Set(server.violations().map((line) => line.slice(line.indexOf("nats.js:"))))];

beforeAll(async () => {
  [server, model] = await Promise.all([startLockedServer(["RAYFLOW"], ROLES), startModelStandIn()]);
  const env = { VLLM_URL: model.url, VLLM_MODEL: "stand-in", RAYFLOW_LOG_LEVEL: "info" };
  const council = server.start("council", ["actor", "--restricted", "--types", COUNCIL], env);
  await server.start("orchestrator", ["orchestrator"]).until(/orchestrator is up/);
  // The context service first, and nobody has made a stream of deliberations yet.
  await server.start("context", ["context"]).until(/context service is up/);
  const executor = server.start("executor", ["executor", "--port", "0"]);
  const [up] = await Promise.all([executor.until(/executor is up/), council.until(/actor ready/)]);
  client = await reflectedClient(`127.0.0.1:${/"port":(\d+)/.exec(up)?.[1]}`, SERVICE);
  const monitoring = server.start("gateway", ["monitoring", "--port", "0"]);
  page = /"url":"(http:\/\/[^"/]+)/.exec(await monitoring.until(/monitoring is up/))?.[1] ?? "";
  gateway = await server.connect("gateway");
});
afterAll(async () => {
  client?.close();
  await Promise.all([server?.[Symbol.asyncDispose](), model?.close()]);
});

it("take a plan from its approval to what is kept of it, and no server has refused them anything", async () => {
  const heard: string[] = [];
  const updates = gateway.subscribe(CONTEXT_UPDATED, {
    callback: (_, message) => {
      heard.push(message.string());
    },
  });
  const js = jetstream(gateway);
  const tasks = [{ task_id: "TASK-1", task_description: "Choose a queue", agents }];
  await js.publish("planning.plan.approved", JSON.stringify({ plan_id: "PLAN-1", role: "DEV", tasks }));
  await js.publish("planning.plan.approved", "no plan at all");
  await eventually(async () => expect(heard).toHaveLength(1));
  expect(contextUpdatedEvent.parse(JSON.parse(heard[0] ?? ""))).toMatchObject({
    deliberation_id,
    agent_ids: expect.any(Array),
  });
  updates.unsubscribe();
  const kept = await server.call("context", ["context", "show", TASK, "--json"]);
  expect(JSON.parse(kept.stdout), kept.stderr).toMatchObject({
    task: { id: TASK },
    decisions: [{ deliberationId: deliberation_id }],
  });
  expect(refused()).toEqual([]);
});

it("the executor answers every call of its service", async () => {
  const watched = await client.stream("WatchDeliberation", { deliberation_id, include_tokens: true });
  expect(watched.at(-1)).toMatchObject({ state: { status: "completed" } });
  const large = { task_id: "large", task_description: "x".repeat(1_200_000), role: "DEV", agents };
  await client.call("ExecuteDeliberation", large);
  const slow = { task_id: "slow", task_description: "Think", role: "DEV", agents, vllm_model: "stand-in?delay=30000" };
  const { deliberation_id: slowId } = await client.call("ExecuteDeliberation", slow);
  const status = (id: unknown): Promise<Message> => client.call("GetDeliberationStatus", { deliberation_id: id });
  await eventually(async () => expect((await client.call("GetActiveJobs")).jobs).not.toEqual([]));
  await client.call("CancelDeliberation", { deliberation_id: slowId, reason: "enough" });
  await eventually(async () => expect(await status(slowId)).toMatchObject({ status: "cancelled" }));
  expect(await client.call("GetStatus")).toMatchObject({ status: "healthy" });
  expect((await client.call("ListDeliberations")).deliberations).toHaveLength(3);
  expect((await client.call("ListCouncils")).councils).not.toEqual([]);
  const cluster = await client.call("GetClusterStats");
  expect((cluster.streams as { name: string }[]).map(({ name }) => name)).toContain("PLANNING_EVENTS");
  expect((await server.call("executor", ["executor", "setup"])).stdout).toContain("everything is there");
  expect(refused()).toEqual([]);
});

it("the command deliberates as the executor's user, and its council is listed", async () => {
  const args = [
    "deliberate",
    "Choose a queue",
    "--agents",
    "eve",
    "--role",
    "COMMAND",
    "--task-id",
    "by-hand",
    "--json",
  ];
  const { code, stdout, stderr } = await server.call("executor", args);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ success: true, run_id: deliberationIdOf("by-hand") });
  const { councils } = await client.call("ListCouncils", { role: "COMMAND" });
  expect(councils).toMatchObject([{ role: "COMMAND" }]);
  expect(refused()).toEqual([]);
});

it("a gateway shows them", async () => {
  const overview = await (await fetch(`${page}/api/monitoring/overview`)).text();
  expect(overview).toContain(deliberation_id);
  for (const service of ["executor", "context"]) expect(overview).toContain(`"service":"${service}"`);
  expect(refused()).toEqual([]);
});

/** What is tried, and which of the two may. */
const attempts: readonly (Attempt & { readonly may: readonly string[] })[] = [
  { what: "submit a run", publish: "rayflow.flow.run", may: ["executor"] },
  { what: "end a run", publish: "rayflow.run.0.rnone", may: ["executor"] },
  { what: "publish a result", publish: "rayflow.result.ai_agent.0", may: [] },
  { what: "send work", publish: "rayflow.node.ai_agent", may: [] },
  { what: "answer as an agent", publish: "agent.results.tried", may: [] },
  { what: "say how a deliberation ended", publish: "orchestration.deliberation.completed", may: [] },
  { what: "approve a plan", publish: "planning.plan.approved", may: [] },
  { what: "say that a plan is started", publish: "orchestration.plan.started", may: ["executor"] },
  { what: "say that a decision is kept", publish: "context.updated", may: ["context"] },
  { what: "write a decision", publish: "$KV.rayflow_context.tried", may: ["context"] },
  { what: "write a record", publish: "$KV.rayflow_deliberations.tried", may: ["executor"] },
  { what: "read keys", publish: "$JS.API.STREAM.MSG.GET.KV_rayflow_keys", may: ["executor"] },
  { what: "write a key", publish: "$KV.rayflow_keys.tried", may: [] },
  { what: "set a variable", publish: "$KV.rayflow_vars.global.tried", may: [] },
  { what: "read variables", publish: "$JS.API.STREAM.MSG.GET.KV_rayflow_vars", may: [] },
  { what: "deploy a flow", publish: "$KV.rayflow_flows.tried", may: [] },
  { what: "write history", publish: "rayflow.history.none.rnone", may: [] },
  {
    what: "take decisions",
    publish: "$JS.API.CONSUMER.MSG.NEXT.ORCHESTRATOR_EVENTS.rayflow-context",
    may: ["context"],
  },
  { what: "take plans", publish: "$JS.API.CONSUMER.MSG.NEXT.PLANNING_EVENTS.rayflow-plans", may: ["executor"] },
  { what: "change a stream", publish: "$JS.API.STREAM.UPDATE.PLANNING_EVENTS", payload: "{}", may: [] },
  { what: "delete a stream", publish: "$JS.API.STREAM.DELETE.CONTEXT_EVENTS", may: [] },
  { what: "delete a queue", publish: "$JS.API.CONSUMER.DELETE.PLANNING_EVENTS.rayflow-plans", may: [] },
  { what: "make a stream of its own", publish: "$JS.API.STREAM.CREATE.STOLEN", payload: "{}", may: [] },
  { what: "hear plans", subscribe: "planning.>", may: [] },
  { what: "hear news of runs", subscribe: "rayflow.event.*.*", may: ["executor"] },
  { what: "hear the other's inbox", subscribe: "_INBOX.>", may: [] },
];

it.each(attempts)("$what: $may", async ({ may, ...attempt }) => {
  const users = ["executor", "context"];
  const allowed: string[] = [];
  for (const user of users) {
    const nc = connections.get(user) ?? (await server.connect(user));
    connections.set(user, nc);
    if (await isAllowed(nc, attempt)) allowed.push(user);
  }
  expect(allowed).toEqual(may);
});
