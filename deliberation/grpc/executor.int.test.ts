import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../gateway/testing-runs.ts";
import { connectNats, startEmbeddedServer } from "../../nats/index.ts";
import { runExecutor } from "../executor.ts";
import { BadRequestSchema, ErrorInfoSchema, StatusSchema } from "../generated/google/rpc/status_pb.ts";
import { deliberationIdOf } from "../messages.ts";
import type { ModelStandIn } from "../model-stand-in.ts";
import { withCouncil } from "../testing-council.ts";
import type { GrpcServer } from "./server.ts";
import { type Message, type ReflectedClient, reflectedClient } from "./testing-client.ts";

const SERVICE = "ray_executor.v1.RayExecutorService";
const council = withCouncil();
const logger = { info: () => {}, warn: () => {}, error: (about: object, text: string) => failures.push([text, about]) };
const failures: unknown[] = [];
const executors: GrpcServer[] = [];
const clients: ReflectedClient[] = [];
let model: ModelStandIn;

async function executor(maxActive?: number): Promise<ReflectedClient> {
  const nc = await council.nats.connect("executor");
  const made = await runExecutor({ nc, port: 0, version: "test", maxActive, maxWatchers: 2, logger });
  executors.push(made);
  const client = await reflectedClient(`127.0.0.1:${made.port}`, SERVICE);
  clients.push(client);
  return client;
}

let one: ReflectedClient;
let other: ReflectedClient;
beforeAll(async () => {
  await council.start();
  model = await council.startStandIn();
  await council.serve([{ url: model.url }]);
  [one, other] = [await executor(), await executor()];
});
afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(executors.map((server) => server.stop()));
  await council.stop();
  // Every failure had a code of its own.
  expect(failures).toEqual([]);
});
beforeEach(() => model.behave(undefined));

let serial = 0;
const task = (more: Message = {}): Message & { task_id: string } => ({
  task_id: `TASK-${++serial}`,
  task_description: "Choose a message queue for orders",
  role: "DEV",
  agents: [{ id: "agent-dev-001" }, { id: "agent-dev-002" }, { id: "agent-dev-003", profile: "You doubt first." }],
  ...more,
});
const ended = (client: ReflectedClient, deliberation_id: unknown) =>
  eventually(async () => {
    const found = await client.call("GetDeliberationStatus", { deliberation_id });
    expect(found.status).not.toBe("running");
    return found;
  });
const failureOf = async (call: Promise<unknown>) => {
  const error = (await call.then(
    () => expect.unreachable("it did not fail"),
    (thrown: unknown) => thrown,
  )) as ServiceError;
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = bytes === undefined ? [] : fromBinary(StatusSchema, Buffer.from(bytes as Buffer)).details;
  const fields = details.flatMap((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []);
  const reason = details.map((any) => anyUnpack(any, ErrorInfoSchema)?.reason).find((found) => found !== undefined);
  return { code: error.code, fields: fields.map(({ field }) => field), reason, message: error.details };
};

test("a task is deliberated, and each replica says the same of it", async () => {
  const asked = task({ constraints: { plan_id: "PLAN-1", story_id: "US-1", timeout_seconds: 60 } });
  const started = await one.call("ExecuteDeliberation", asked);
  expect(started).toMatchObject({ status: "submitted", deliberation_id: deliberationIdOf(asked.task_id) });
  const found = await ended(other, started.deliberation_id);
  expect(found).toMatchObject({ status: "completed", task_id: asked.task_id, error_message: "" });
  const answers = found.answers as { agent_id: string; score: number; metadata: Message[] }[];
  expect(answers.map(({ agent_id }) => agent_id).sort()).toEqual(["agent-dev-001", "agent-dev-002", "agent-dev-003"]);
  expect(found.result).toEqual(answers[0]);
  // What is loaded from descriptors alone shows a map as its entries.
  const metadata = [
    ["stand_in", "true"],
    ["rank", "1"],
    ["role", "DEV"],
  ].map(([key, value]) => ({ key, value }));
  expect(answers[0]?.metadata).toEqual(expect.arrayContaining(metadata));
  expect(await one.call("GetDeliberationStatus", { deliberation_id: started.deliberation_id })).toEqual(found);
});

test("the same task twice is one deliberation, with another task in it a refusal, on any replica", async () => {
  const asked = task();
  const [first, second] = await Promise.all([
    one.call("ExecuteDeliberation", asked),
    other.call("ExecuteDeliberation", asked),
  ]);
  expect(second?.deliberation_id).toBe(first?.deliberation_id);
  expect([first?.status, second?.status]).toContain("submitted");
  await ended(one, first?.deliberation_id);
  const again = await other.call("ExecuteDeliberation", asked);
  expect(again).toMatchObject({ status: "completed", deliberation_id: first?.deliberation_id });
  expect(model.seen.filter(({ messages }) => JSON.stringify(messages).includes("orders")).length % 3).toBe(0);
  const changed = await failureOf(other.call("ExecuteDeliberation", { ...asked, task_description: "Another" }));
  expect(changed).toMatchObject({ code: status.ALREADY_EXISTS, reason: "IdempotencyKeyReused" });
});

test("watching tells states, tokens and answers from the beginning, and the outcome last", async () => {
  model.behave("token_delay=10");
  const { deliberation_id } = await one.call("ExecuteDeliberation", task());
  const news = await other.stream("WatchDeliberation", { deliberation_id, include_tokens: true });
  const of = (kind: string) => news.filter(({ event }) => event === kind).map((one) => one[kind] as Message);
  expect(of("state")[0]).toMatchObject({ status: "submitted" });
  expect(of("state").at(-1)).toMatchObject({ status: "completed", outcome: { status: "completed" } });
  expect(news.at(-1)?.event).toBe("state");
  const answers = of("answer");
  expect(answers.map(({ agent_id }) => agent_id).sort()).toEqual(["agent-dev-001", "agent-dev-002", "agent-dev-003"]);
  for (const { agent_id, content } of answers) {
    const text = of("token").filter((token) => token.agent_id === agent_id);
    expect(text.map((token) => token.text).join("")).toContain(String(content).trim().slice(0, 40));
  }
  const nodes = of("state").flatMap(({ nodes }) => nodes as Message[]);
  expect(nodes.filter(({ agent_id }) => agent_id === "agent-dev-002").map(({ state }) => state)).toContain("completed");
  // Afterwards it is told again, all but the tokens that are gone by then.
  const replay = await one.stream("WatchDeliberation", { deliberation_id });
  expect(replay.filter(({ event }) => event === "answer")).toHaveLength(3);
  expect(replay.at(-1)).toEqual(news.at(-1));
});

test("what goes on is listed, with its agents at work, and can be cancelled once", async () => {
  model.behave("hang=1");
  const asked = task({ role: "QA", agents: [{ id: "qa-1", model: "big" }, { id: "qa-2" }] });
  const { deliberation_id } = await one.call("ExecuteDeliberation", asked);
  const jobs = await eventually(async () => {
    const found = (await other.call("GetActiveJobs")).jobs as Message[];
    expect(found.filter(({ submission_id }) => submission_id === deliberation_id)).toHaveLength(2);
    return found;
  });
  expect(jobs.map(({ agent_id }) => agent_id).sort()).toEqual(["qa-1", "qa-2"]);
  expect(jobs[0]).toMatchObject({ status: "RUNNING", role: "QA", task_id: asked.task_id, attempt: 1 });
  const { deliberations } = await other.call("ListDeliberations", { status: "running" });
  expect(deliberations).toMatchObject([{ deliberation_id, agent_ids: ["qa-1", "qa-2"], status: "running" }]);
  const stats = (await one.call("GetStatus")).stats as Message;
  expect(stats).toMatchObject({ active_deliberations: 1 });

  expect(await other.call("CancelDeliberation", { deliberation_id, reason: "enough" })).toMatchObject({
    status: "cancelling",
  });
  expect(await ended(one, deliberation_id)).toMatchObject({ status: "cancelled" });
  expect(await one.call("CancelDeliberation", { deliberation_id })).toMatchObject({ status: "cancelled" });
  await eventually(() => expect(model.seen.filter(({ state }) => state === "gone").length).toBeGreaterThanOrEqual(2));
});

test("figures and councils follow from the log: a replica that has just started has the same", async () => {
  model.behave("status=400");
  const { deliberation_id } = await one.call("ExecuteDeliberation", task({ role: "DATA", agents: [{ id: "d-1" }] }));
  const failed = await ended(one, deliberation_id);
  expect(failed).toMatchObject({ status: "failed", result: null });
  expect(failed.error_message).not.toBe("");
  const fresh = await executor();
  const [before, after] = await eventually(async () => {
    const figures = await Promise.all([one.call("GetStatus"), fresh.call("GetStatus")]);
    const [a, b] = figures.map(({ stats }) => stats as Message);
    expect(a).toEqual(b);
    expect(a?.active_deliberations).toBe(0);
    return figures;
  });
  expect(before?.status).toBe("healthy");
  const stats = after?.stats as Record<string, number>;
  const {
    total_deliberations,
    completed_deliberations = 0,
    failed_deliberations = 0,
    cancelled_deliberations = 0,
  } = stats;
  expect(total_deliberations).toBe(completed_deliberations + failed_deliberations + cancelled_deliberations);
  expect(stats).toMatchObject({ completed_deliberations: 3, failed_deliberations: 1, cancelled_deliberations: 1 });
  expect(stats.average_execution_time_ms).toBeGreaterThan(0);

  const { councils } = (await fresh.call("ListCouncils")) as { councils: Message[] };
  expect(councils.map(({ role }) => role)).toEqual(["DATA", "DEV", "QA"]);
  expect(councils[1]).toMatchObject({ total_deliberations: 3 });
  expect(((councils[1]?.agents ?? []) as Message[]).map(({ id }) => id)).toEqual([
    "agent-dev-001",
    "agent-dev-002",
    "agent-dev-003",
  ]);
  expect(((councils[2]?.agents ?? []) as Message[])[0]).toMatchObject({ id: "qa-1", model: "big", deliberations: 1 });
  expect((await one.call("ListCouncils", { role: "QA" })).councils).toHaveLength(1);

  const cluster = (await fresh.call("GetClusterStats")) as Record<string, Message[]>;
  expect(cluster.orchestrators).toHaveLength(1);
  expect(cluster.actors?.map(({ type }) => type)).toContain("ai_agent");
  expect(cluster.streams?.map(({ name }) => name)).toContain("VLLM_STREAMING");
});

test("pages end, and hold each deliberation once", async () => {
  const seen: unknown[] = [];
  for (let page_token = ""; ; ) {
    const page = await other.call("ListDeliberations", { page_size: 2, page_token });
    seen.push(...(page.deliberations as Message[]).map(({ deliberation_id }) => deliberation_id));
    page_token = String(page.next_page_token);
    if (page_token === "") break;
  }
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
  const list = async (query: Message) =>
    ((await one.call("ListDeliberations", query)).deliberations as Message[]).map(({ role }) => role);
  expect(await list({ role: "QA" })).toEqual(["QA"]);
  expect(await list({ status: "failed" })).toEqual(["DATA"]);
  expect(await list({ status: "completed" })).toEqual(["DEV", "DEV", "DEV"]);
});

describe("bad input", () => {
  test.each([
    ["ExecuteDeliberation", {}, ["task_id", "task_description", "role", "agents"]],
    ["ExecuteDeliberation", task({ agents: [{ id: "a" }, { id: "a" }] }), ["agents.1.id"]],
    ["ExecuteDeliberation", task({ agents: [{}] }), ["agents.0.id"]],
    ["ExecuteDeliberation", task({ vllm_url: "ftp://x" }), ["vllm_url"]],
    [
      "ExecuteDeliberation",
      task({ constraints: { timeout_seconds: -1, rounds: 99, quorum: 4 } }),
      ["constraints.timeout_seconds", "constraints.rounds", "constraints.quorum"],
    ],
    [
      "ExecuteDeliberation",
      task({ constraints: { rubric: [{ name: "x", kind: "magic" }] } }),
      ["constraints.rubric.0.kind"],
    ],
    ["ExecuteDeliberation", task({ task_id: "x".repeat(201) }), ["task_id"]],
    ["ExecuteDeliberation", task({ agents: [{ id: "a", temperature: 3 }] }), ["agents.0.temperature"]],
    ["GetDeliberationStatus", {}, ["deliberation_id"]],
    ["CancelDeliberation", { deliberation_id: " " }, ["deliberation_id"]],
    ["ListDeliberations", { page_size: -1, page_token: "?", status: "odd" }, ["page_size", "page_token", "status"]],
  ])("%s %j is INVALID_ARGUMENT and names the fields", async (method, request, fields) => {
    const failed = await failureOf(one.call(method, request));
    expect(failed).toMatchObject({ code: status.INVALID_ARGUMENT, reason: "ValidationError" });
    expect(failed.fields).toEqual(expect.arrayContaining(fields));
    expect(failed.fields).toHaveLength(fields.length);
  });

  test("what is not there is NOT_FOUND, also a run that is no deliberation", async () => {
    for (const deliberation_id of ["nobody", deliberationIdOf("never asked")]) {
      for (const method of ["GetDeliberationStatus", "CancelDeliberation"]) {
        expect((await failureOf(one.call(method, { deliberation_id }))).code).toBe(status.NOT_FOUND);
      }
      expect((await failureOf(one.stream("WatchDeliberation", { deliberation_id }))).code).toBe(status.NOT_FOUND);
    }
    const other = await council.submit({
      flow: {
        name: "other",
        nodes: [
          { id: "s", type: "start" },
          { id: "r", type: "return" },
        ],
        connections: [{ from: "s", fromExec: "finish", to: "r", toExec: "exec" }],
      },
    });
    await other.result;
    expect((await failureOf(one.call("GetDeliberationStatus", { deliberation_id: other.runId }))).code).toBe(
      status.NOT_FOUND,
    );
    expect((await failureOf(one.stream("WatchDeliberation", {}))).code).toBe(status.INVALID_ARGUMENT);
  });

  test("one that has ended cannot be cancelled: FAILED_PRECONDITION", async () => {
    const { deliberations } = await one.call("ListDeliberations", { status: "completed" });
    const [{ deliberation_id } = {}] = deliberations as Message[];
    const failed = await failureOf(one.call("CancelDeliberation", { deliberation_id }));
    expect(failed).toMatchObject({ code: status.FAILED_PRECONDITION, reason: "RunEnded" });
  });

  test("bytes that are no message are refused, an unknown method is UNIMPLEMENTED", async () => {
    expect([status.INVALID_ARGUMENT, status.INTERNAL]).toContain(
      (await failureOf(one.callRaw("ExecuteDeliberation", Buffer.from([0xff, 0xff, 0xff])))).code,
    );
    expect((await failureOf(one.callRaw("Nothing", Buffer.alloc(0)))).code).toBe(status.UNIMPLEMENTED);
  });

  test("too much at once is RESOURCE_EXHAUSTED: a message, deliberations, watchers", async () => {
    const large = await failureOf(one.call("ExecuteDeliberation", task({ task_description: "x".repeat(5_000_000) })));
    expect(large.code).toBe(status.RESOURCE_EXHAUSTED);
    model.behave("hang=1");
    const { deliberation_id } = await one.call("ExecuteDeliberation", task());
    await eventually(async () =>
      expect((await one.call("ListDeliberations", { status: "running" })).deliberations).toHaveLength(1),
    );
    const narrow = await executor(1);
    const refused = await failureOf(narrow.call("ExecuteDeliberation", task()));
    expect(refused).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: "GatewayBusy" });
    const stop: (() => void)[] = [];
    const watches = [1, 2].map(() => {
      let began = () => {};
      const begun = new Promise<void>((resolve) => {
        began = resolve;
      });
      let open = true;
      stop.push(() => {
        open = false;
      });
      const stream = narrow.stream("WatchDeliberation", { deliberation_id }, () => {
        began();
        return open ? undefined : false;
      });
      return { begun, stream };
    });
    await Promise.all(watches.map(({ begun }) => begun));
    const third = await failureOf(narrow.stream("WatchDeliberation", { deliberation_id }));
    expect(third.code).toBe(status.RESOURCE_EXHAUSTED);
    await one.call("CancelDeliberation", { deliberation_id });
    await Promise.all(watches.map(({ stream }) => stream));
  });

  test("a deadline that passes is DEADLINE_EXCEEDED", async () => {
    expect((await failureOf(one.call("GetStatus", {}, 1))).code).toBe(status.DEADLINE_EXCEEDED);
  });
});

test("while NATS is away calls are UNAVAILABLE at once and health is NOT_SERVING; both mend, and streams are told", async () => {
  expect(one.services).toEqual(expect.arrayContaining([SERVICE, "grpc.health.v1.Health"]));
  const folder = mkdtempSync(path.join(tmpdir(), "rayflow-grpc-"));
  const first = await startEmbeddedServer({ storeDir: folder });
  const nc = await connectNats({ servers: first.url, name: "lonely executor" });
  const lonely = await runExecutor({ nc, port: 0, version: "test", logger });
  const address = `127.0.0.1:${lonely.port}`;
  const [client, health] = await Promise.all([
    reflectedClient(address, SERVICE),
    reflectedClient(address, "grpc.health.v1.Health"),
  ]);
  const serving = async () => (await health.call("Check", { service: SERVICE })).status;
  const [SERVING, NOT_SERVING] = [1, 2];
  // No actor has ever been there: said at once too, and nothing is written down.
  expect(await failureOf(client.call("ExecuteDeliberation", task()))).toMatchObject({
    code: status.UNAVAILABLE,
    reason: "InvalidFlow",
  });
  expect((await client.call("ListCouncils")).councils).toEqual([]);
  expect(await client.call("GetStatus")).toMatchObject({ status: "degraded" });
  expect(await serving()).toBe(SERVING);
  await first.stop();
  await eventually(async () => expect(await serving()).toBe(NOT_SERVING));
  for (const method of ["ListCouncils", "GetStatus", "GetActiveJobs", "GetClusterStats", "ListDeliberations"]) {
    const failed = await failureOf(client.call(method, {}, 2_000));
    expect(failed, method).toMatchObject({ code: status.UNAVAILABLE, reason: "ConnectionFailed" });
  }
  const again = await startEmbeddedServer({ storeDir: folder, port: first.port });
  await eventually(async () => expect(await serving()).toBe(SERVING));
  await eventually(async () => expect((await client.call("ListCouncils")).councils).toEqual([]));
  await lonely.stop();
  expect((await failureOf(client.call("ListCouncils", {}, 2_000))).code).toBe(status.UNAVAILABLE);
  client.close();
  health.close();
  await nc.close();
  await again.stop();
  rmSync(folder, { recursive: true, force: true });
});
