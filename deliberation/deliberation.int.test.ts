import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runIdOf } from "../nats/index.ts";
import { eventually } from "../nats/testing.ts";
import {
  type AgentResultEvent,
  agentResultEvent,
  type CouncilAgent,
  deliberationCompletedEvent,
  deliberationFailedEvent,
  deliberationResult,
  deliberationSubjects,
  type StreamingEvent,
  streamingEvent,
} from "./messages.ts";
import type { ModelStandIn } from "./model-stand-in.ts";
import { withCouncil } from "./testing-council.ts";

const council = withCouncil();
let model: ModelStandIn;
/** Everything that was published, by subject. */
const heard = new Map<string, unknown[]>();
const on = (subject: string): unknown[] => heard.get(subject) ?? [];

beforeAll(async () => {
  await council.start();
  const jsm = await jetstreamManager(council.nats.nc);
  // As the pipeline sets them up.
  await jsm.streams.add({ name: "ORCHESTRATOR_EVENTS", subjects: ["orchestration.>"] });
  await jsm.streams.add({ name: "AGENT_RESULTS", subjects: ["agent.results.>"] });
  model = await council.startStandIn();
  await council.serve([{ url: model.url }]);
  for (const subject of ["orchestration.>", "agent.results.>", "vllm.streaming.>"]) {
    council.nats.nc.subscribe(subject, {
      callback: (_, message) => {
        heard.set(message.subject, [...on(message.subject), message.json()]);
      },
    });
  }
});
afterAll(() => council.stop());
beforeEach(() => model.behave(undefined));

const three: CouncilAgent[] = [
  { id: "ada" },
  { id: "bea", profile: "You doubt first." },
  { id: "cid", role: "tester" },
];
let serial = 0;
const task = (more: Record<string, unknown> = {}) => ({
  task_id: `task-${++serial}`,
  task_description: "Choose a message queue for orders",
  role: "architect",
  agents: three,
  ...more,
});
const resultsOf = (taskId: string): AgentResultEvent[] =>
  on(deliberationSubjects.agentResults(taskId)).map((one) => agentResultEvent.parse(one));
const tokensOf = (taskId: string): StreamingEvent[] =>
  on(deliberationSubjects.streaming(taskId)).map((one) => streamingEvent.parse(one));
const countOf = async (stream: string, subject: string): Promise<number> => {
  const jsm = await jetstreamManager(council.nats.nc);
  const info = await jsm.streams.info(stream, { subjects_filter: subject });
  return info.state.subjects?.[subject] ?? 0;
};

describe("a council", () => {
  test("answers in two rounds, is judged, and is announced once", async () => {
    const asked = task({ rounds: 2, constraints: { story_id: "s-1", budget: "small" } });
    const before = model.seen.length;
    const run = await council.deliberate(asked);
    const result = await run.result;
    expect(result.error).toBeNull();
    const decided = deliberationResult.parse(result.result);
    expect(decided).toMatchObject({
      task_id: asked.task_id,
      role: "architect",
      rounds: 2,
      stand_in: true,
      failures: [],
    });
    expect(decided.results.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    expect(Object.keys(decided.scores).sort()).toEqual(["ada", "bea", "cid"]);
    expect(decided.winner).toEqual(decided.results[0]);
    expect(decided.results.every(({ round, proposal }) => round === 2 && proposal.includes("stand-in"))).toBe(true);
    // Six requests: the second round's show the answers of the first, without the agent's own among the peers'.
    const requests = model.seen.slice(before);
    expect(requests).toHaveLength(6);
    const later = requests.filter(({ messages }) => messages[1]?.content.includes("Answers of your peers:"));
    expect(later).toHaveLength(3);
    for (const { messages } of later) expect(messages[1]?.content.match(/Peer \d:/g)).toHaveLength(2);
    expect(requests.some(({ messages }) => messages[0]?.content.includes("You doubt first."))).toBe(true);
    expect(requests.some(({ messages }) => messages[0]?.content.includes("in the role tester"))).toBe(true);
    expect(decided.usage.total_tokens).toBeGreaterThan(0);

    const answers = resultsOf(asked.task_id);
    expect(answers.map(({ agent_id, round, status }) => `${agent_id} ${round} ${status}`).sort()).toEqual(
      ["ada", "bea", "cid"].flatMap((id) => [`${id} 1 completed`, `${id} 2 completed`]),
    );
    const completed = on(deliberationSubjects.completed())
      .map((one) => deliberationCompletedEvent.parse(one))
      .filter(({ task_id }) => task_id === asked.task_id);
    expect(completed).toHaveLength(1);
    expect(completed[0]).toMatchObject({
      deliberation_id: run.runId,
      story_id: "s-1",
      winner_agent_id: decided.winner.agent_id,
      decisions: [{ decided_by: decided.winner.agent_id, decision: decided.winner.proposal }],
    });
    // The same task again is the same run.
    const again = await council.deliberate(asked);
    expect(again.runId).toBe(run.runId);
    expect(again.runId).toBe(runIdOf(`deliberation:${asked.task_id}`));
    expect((await again.result).result).toEqual(result.result);
    expect(model.seen.length - before).toBe(6);
  });

  test("publishes each agent's tokens in order, and they are its answer", async () => {
    const asked = task();
    const result = deliberationResult.parse((await (await council.deliberate(asked)).result).result);
    await eventually(
      () => tokensOf(asked.task_id).filter(({ event_type }) => event_type === "vllm.stream.completed").length === 3,
      "all streams have ended",
    );
    for (const { agent_id, proposal } of result.results) {
      const events = tokensOf(asked.task_id).filter((event) => event.agent_id === agent_id);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at));
      expect(events[0]?.event_type).toBe("vllm.stream.started");
      expect(
        events
          .map(({ token }) => token ?? "")
          .join("")
          .trim(),
      ).toBe(proposal);
      expect(events.length).toBeGreaterThan(10);
    }
  });

  test("goes on without an agent that fails, when the quorum is reached", async () => {
    const agents = [...three.slice(0, 2), { id: "cid", model: "stand-in?status=400" }];
    const asked = task({ agents, quorum: 2 });
    const result = deliberationResult.parse((await (await council.deliberate(asked)).result).result);
    expect(result.results.map(({ agent_id }) => agent_id).sort()).toEqual(["ada", "bea"]);
    expect(result.failures).toMatchObject([{ agent_id: "cid", round: 1, error: { code: "ModelError" } }]);
    expect(resultsOf(asked.task_id).filter(({ status }) => status === "failed")).toMatchObject([{ agent_id: "cid" }]);
  });

  test("fails without a quorum, and says why; the failure is announced once", async () => {
    const agents = three.map(({ id }) => ({ id, model: id === "ada" ? "stand-in" : "stand-in?status=400" }));
    const asked = task({ agents, quorum: 2 });
    const result = await (await council.deliberate(asked)).result;
    expect(result).toMatchObject({ success: false, error: { code: "QuorumNotReached" } });
    expect(result.error?.message).toContain("1 of 3");
    const failed = on(deliberationSubjects.failed())
      .map((one) => deliberationFailedEvent.parse(one))
      .filter(({ task_id }) => task_id === asked.task_id);
    expect(failed).toMatchObject([{ error: { code: "QuorumNotReached" } }]);
  });

  test("at the deadline counts what there is, and what hangs is aborted", async () => {
    const agents = [...three.slice(0, 2), { id: "cid", model: "stand-in?hang=1" }];
    const result = deliberationResult.parse(
      (await (await council.deliberate(task({ agents, quorum: 2, deadline: "2s" }))).result).result,
    );
    expect(result.results).toHaveLength(2);
    expect(result.failures).toMatchObject([{ agent_id: "cid" }]);
    await eventually(() => model.seen.find(({ model: name }) => name.includes("hang"))?.state === "gone", "aborted");
  });

  test("an earlier answer stands when its revision fails", async () => {
    const agents = [...three.slice(0, 2), { id: "cid", model: "stand-in?status=400&after=1" }];
    const asked = task({ agents, rounds: 2, quorum: 3 });
    const decided = deliberationResult.parse((await (await council.deliberate(asked)).result).result);
    const rounds = decided.results.map(({ agent_id, round }) => `${agent_id} ${round}`).sort();
    expect(rounds).toEqual(["ada 2", "bea 2", "cid 1"]);
    expect(decided.failures).toMatchObject([{ agent_id: "cid", round: 2, error: { code: "ModelError" } }]);
  });

  test("shares its budget: who gets nothing of it fails, and it is not overspent", async () => {
    const asked = task({ budget_tokens: 180, quorum: 1 });
    const decided = deliberationResult.parse((await (await council.deliberate(asked)).result).result);
    expect(decided.usage.total_tokens).toBeLessThanOrEqual(180);
    expect(decided.failures.length).toBeGreaterThan(0);
    expect(decided.failures.every(({ error }) => error.code === "BudgetExceeded")).toBe(true);
    const none = await (await council.deliberate(task({ budget_tokens: 10, quorum: 1 }))).result;
    expect(none).toMatchObject({ success: false, error: { code: "QuorumNotReached" } });
    expect(none.error?.message).toContain("BudgetExceeded");
  });

  test("that is cancelled aborts the requests in flight and announces nothing", async () => {
    const asked = task({ agents: three.map((agent) => ({ ...agent, model: "stand-in?hang=1&delay=1" })) });
    const run = await council.deliberate(asked);
    const mine = () => model.seen.filter(({ model: name }) => name === "stand-in?hang=1&delay=1");
    await eventually(() => mine().length === 3, "all agents ask");
    await run.cancel("enough");
    expect((await run.result).status).toBe("cancelled");
    await eventually(() => mine().every(({ state }) => state === "gone"), "every request is aborted");
    expect(
      JSON.stringify([...on(deliberationSubjects.completed()), ...on(deliberationSubjects.failed())]),
    ).not.toContain(asked.task_id);
    expect(resultsOf(asked.task_id)).toEqual([]);
  });

  test("is stored once on its streams, however often its task was submitted", async () => {
    const asked = task();
    await Promise.all([council.deliberate(asked), council.deliberate(asked), council.deliberate(asked)]).then((runs) =>
      Promise.all(runs.map(({ result }) => result)),
    );
    expect(await countOf("AGENT_RESULTS", deliberationSubjects.agentResults(asked.task_id))).toBe(3);
  });
});

test("an actor that is gone in the middle loses nothing, and no answer counts twice", async () => {
  const slow = await council.startStandIn();
  slow.behave("token_delay=20");
  const [doomed] = await council.serve([{ url: slow.url, max_concurrency: 4 }], { replicas: 2 });
  const asked = task({ agents: [...three, { id: "dan" }], rounds: 2, quorum: 4 });
  const run = await council.deliberate(asked);
  await eventually(() => slow.open === 4, "all agents think");
  await doomed?.close();
  const decided = deliberationResult.parse((await run.result).result);
  expect(decided.results.map(({ agent_id, round }) => `${agent_id} ${round}`).sort()).toEqual([
    "ada 2",
    "bea 2",
    "cid 2",
    "dan 2",
  ]);
  expect(decided.failures).toEqual([]);
  const stored = resultsOf(asked.task_id).filter(({ status }) => status === "completed");
  expect(stored).toHaveLength(8);
  expect(await countOf("AGENT_RESULTS", deliberationSubjects.agentResults(asked.task_id))).toBe(8);
  // What was asked of the model again is known; what counts is not.
  expect(slow.seen.length).toBeGreaterThanOrEqual(8);
});

describe("the guards of all actors together", () => {
  const six = Array.from({ length: 6 }, (_, at) => ({ id: `agent-${at}` }));

  test("let no more requests to an endpoint than it takes, and lose none", async () => {
    const narrow = await council.startStandIn();
    narrow.behave("delay=60");
    await council.serve([{ url: narrow.url, max_concurrency: 2 }], { replicas: 2 });
    const runs = await Promise.all([task({ agents: six }), task({ agents: six })].map(council.deliberate));
    for (const { result } of runs) expect((await result).success).toBe(true);
    expect(narrow.seen).toHaveLength(12);
    expect(narrow.mostOpen).toBe(2);
  });

  test("keep a tenant to its limits, and leave others alone", async () => {
    await council.serve([{ url: model.url }], {
      replicas: 2,
      tenants: { small: { requests_per_minute: 6 }, "*": {} },
    });
    // One at once, the next ten seconds later: after the deadline.
    const few = deliberationResult.parse(
      (await (await council.deliberate(task({ tenant: "small", quorum: 1, deadline: "3s" }))).result).result,
    );
    expect(few.results).toHaveLength(1);
    expect(few.failures.map(({ error }) => error.code)).toEqual(["LimitReached", "LimitReached"]);
    const all = deliberationResult.parse((await (await council.deliberate(task({ quorum: 3 }))).result).result);
    expect(all.results).toHaveLength(3);
  });

  test("go over to another endpoint when one is down, and leave that one alone", async () => {
    const broken = await council.startStandIn();
    broken.behave("status=503");
    await council.serve([{ url: broken.url }, { url: model.url }], { replicas: 2 });
    const decided = deliberationResult.parse(
      (await (await council.deliberate(task({ agents: six, quorum: 6 }))).result).result,
    );
    const host = new URL(model.url).host;
    expect(decided.results.every(({ endpoint }) => endpoint === host)).toBe(true);
    // Until both actors have learnt of it: some go there at first, by chance none may.
    let quiet = 0;
    await eventually(async () => {
      const before = broken.seen.length;
      await (await council.deliberate(task({ agents: six, quorum: 6 }))).result;
      quiet = broken.seen.length === before ? quiet + 1 : 0;
      return quiet === 3;
    }, "the endpoint is left alone");
    const soFar = broken.seen.length;
    await (await council.deliberate(task({ agents: six, quorum: 6 }))).result;
    expect(broken.seen.length).toBe(soFar);
    expect(soFar).toBeGreaterThanOrEqual(5);
  });

  test("let an answer of 429 wait as long as it asks", async () => {
    await council.serve([{ url: model.url }]);
    const agents = [{ id: "ada", model: "stand-in?status=429&retry_after=1&times=1&delay=2" }];
    const decided = deliberationResult.parse((await (await council.deliberate(task({ agents }))).result).result);
    expect(decided.winner.duration_ms).toBeGreaterThanOrEqual(900);
  });

  test("get a secret as their key, and nobody else sees it", async () => {
    const chat = {
      id: "chat",
      type: "ai_chat",
      config: { api_key: { $secret: "vllm" }, max_attempts: 1 },
      data: { constantValues: { prompt: "Hello", model: "stand-in?status=401&times=1" } },
    };
    const flow = {
      name: "secretive",
      nodes: [{ id: "start", type: "start" }, chat, { id: "end", type: "return" }],
      edges: [
        { id: "a", source: "start", target: "chat", sourceHandle: "exec-out", targetHandle: "exec-in" },
        { id: "b", source: "chat", target: "end", sourceHandle: "exec-out", targetHandle: "exec-in" },
      ],
    };
    const result = await (await council.submit({ flow })).result;
    expect(result.error).toMatchObject({ code: "ModelError", details: { status: 401 } });
    expect(model.seen.at(-1)?.authorization).toBe("Bearer sk-secret-of-test");
    expect(JSON.stringify(result)).not.toContain("sk-secret");
  });

  test("are seen in the metrics", async () => {
    const page = await council.metrics.render();
    const host = new URL(model.url).host;
    const numberOf = (series: string) =>
      Number(
        page
          .split("\n")
          .find((line) => line.startsWith(`${series} `) || line.startsWith(`${series.replace("}", ",")}`))
          ?.split(" ")
          .at(-1),
      );
    expect(page).toContain(`rayflow_model_requests_total{endpoint="${host}",status="ok"`);
    expect(page).toContain(`rayflow_model_requests_total{endpoint="${host}",status="429"`);
    expect(page).toContain(`rayflow_model_requests_total{endpoint="${host}",status="cancelled"`);
    expect(page).toContain(`rayflow_model_tokens_total{endpoint="${host}",kind="completion"`);
    for (const name of [
      "rayflow_model_request_seconds",
      "rayflow_model_wait_seconds",
      "rayflow_deliberation_seconds",
    ]) {
      expect(page).toContain(`${name}_bucket`);
    }
    expect(numberOf(`rayflow_model_requests_in_flight{endpoint="${host}"}`)).toBe(0);
    for (const state of ["started", "completed", "failed"]) {
      expect(numberOf(`rayflow_deliberations_total{state="${state}"}`)).toBeGreaterThan(0);
    }
    expect(numberOf('rayflow_deliberation_answers_total{outcome="failed"}')).toBeGreaterThan(0);
  });
});
