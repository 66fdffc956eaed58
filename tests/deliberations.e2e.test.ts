/**
 * A plan's way through every service, each a process of its own: plan → council → model → decision → context → page. The
 * executor and an actor are killed in the middle of it.
 */
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reflectedClient } from "../deliberation/grpc/testing-client.ts";
import {
  type AgentResultEvent,
  agentResultEvent,
  contextUpdatedEvent,
  deliberationCompletedEvent,
  deliberationIdOf,
  deliberationSubjects,
} from "../deliberation/index.ts";
import { type ModelStandIn, startModelStandIn } from "../deliberation/model-stand-in.ts";
import { eventually } from "../gateway/testing-runs.ts";
import { connectNats, type EmbeddedServer, startEmbeddedServer } from "../nats/index.ts";
import { findBrowser } from "../scripts/browser.mjs";
import { readBounded } from "../store/index.ts";
import { describeInBrowser } from "./editor/browser.ts";
import { type RunningCommand, rayflow, startRayflow } from "./rayflow-process.ts";

const SERVICE = "ray_executor.v1.RayExecutorService";
const PLAN = "PLAN-7";
const TASK = `${PLAN}:TASK-1`;
const deliberation_id = deliberationIdOf(TASK);
/** How the model behaves is in its name: each agent has another one. */
const agents = [
  { id: "slow", model: "stand-in?token_delay=60" },
  { id: "steady", model: "stand-in?delay=100&token_delay=60" },
  { id: "limited", model: "stand-in?status=429&retry_after=1&times=1" },
  { id: "unlucky", model: "stand-in?status=503&times=1" },
];
const plan = {
  plan_id: PLAN,
  story_id: "US-3",
  role: "DEV",
  tasks: [{ task_id: "TASK-1", task_description: "Choose a message queue for orders", agents }],
};

let server: EmbeddedServer;
let model: ModelStandIn;
let nc: NatsConnection;
let browser: Browser;
let page: Page;
const problems: string[] = [];
const running: RunningCommand[] = [];
const start = (args: readonly string[], env: Record<string, string> = {}): RunningCommand => {
  const started = startRayflow([...args, "--server", server.url], { env: { RAYFLOW_LOG_LEVEL: "info", ...env } });
  running.push(started);
  return started;
};
const kill = async (command: RunningCommand): Promise<void> => {
  command.child.kill("SIGKILL");
  await command.ended;
};
const startExecutor = async () => {
  const executor = start(["executor", "--port", "0"]);
  const port = /"port":(\d+)/.exec(await executor.until(/executor is up/))?.[1];
  return { executor, client: () => reflectedClient(`127.0.0.1:${port}`, SERVICE) };
};
const publishPlan = (id: string) =>
  jetstream(nc).publish("planning.plan.approved", JSON.stringify(plan), { msgID: id });
const everyMessage = async (stream: string, filter: string): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const message of readBounded(jetstream(nc), { stream, filter })) found.push(message.json());
  return found;
};
const results = async (): Promise<AgentResultEvent[]> =>
  (await everyMessage("AGENT_RESULTS", deliberationSubjects.agentResults(TASK))).map((one) =>
    agentResultEvent.parse(one),
  );

describeInBrowser("a plan through every service", () => {
  let actors: RunningCommand[];
  let first: Awaited<ReturnType<typeof startExecutor>>;

  beforeAll(async () => {
    [server, model] = await Promise.all([startEmbeddedServer(), startModelStandIn()]);
    nc = await connectNats({ servers: server.url, name: "test" });
    const orchestrator = start(["orchestrator"]);
    await orchestrator.until(/orchestrator is up/);
    const env = { VLLM_URL: model.url, VLLM_MODEL: "stand-in" };
    actors = [start(["actor", "--ack-wait", "2s"], env), start(["actor", "--ack-wait", "2s"], env)];
    const context = start(["context"]);
    const monitoring = start(["monitoring", "--port", "0"]);
    [first] = await Promise.all([
      startExecutor(),
      context.until(/context service is up/),
      monitoring.until(/monitoring is up/),
      ...actors.map((actor) => actor.until(/actor is up|serves|ready/)),
    ]);
    const url = /"url":"(http[^"]+)"/.exec(monitoring.stdout + monitoring.stderr)?.[1] ?? "";
    const executablePath = findBrowser();
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ["--no-sandbox", "--disable-gpu"],
    });
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(url);
  });
  afterAll(async () => {
    await browser?.close();
    for (const { child } of running) child.kill("SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    await nc?.close();
    await Promise.all([model?.close(), server?.stop()]);
  });

  test("a plan is deliberated, kept and shown, although executor and an actor are killed in the middle", async () => {
    await expect.poll(() => page.url()).toContain("/monitoring");
    await page.locator('[data-service="executor"]').getByText("connected").waitFor();
    await page.locator('[data-service="context"]').getByText("context store").waitFor();

    await publishPlan("plan-1");
    const article = page.locator(`[data-deliberation="${deliberation_id}"]`);
    // The page shows what agents say while they say it.
    await article.locator('[data-state="streaming"]').getByText("no model wrote this").first().waitFor();
    await page.getByRole("region", { name: "Active jobs" }).getByText("slow").waitFor();
    await Promise.all([kill(first.executor), kill(actors[0] as RunningCommand)]);
    // The plan comes again meanwhile, as from a planner that heard no answer.
    await publishPlan("plan-1, again");
    const second = await startExecutor();
    const client = await second.client();
    const outcome = await eventually(async () => {
      const found = await client.call("GetDeliberationStatus", { deliberation_id });
      expect(found.status).not.toBe("running");
      return found;
    });
    expect(outcome, String(outcome.error_message)).toMatchObject({ status: "completed", task_id: TASK });
    const answers = outcome.answers as { agent_id: string; score: number }[];
    expect(answers.map(({ agent_id }) => agent_id).sort()).toEqual(["limited", "slow", "steady", "unlucky"]);
    const watched = await client.stream("WatchDeliberation", { deliberation_id });
    expect(watched.filter(({ event }) => event === "answer")).toHaveLength(4);
    client.close();

    // No answer counts twice, whoever was killed: not among the results, not in the event, not in the context.
    expect((await results()).map(({ agent_id }) => agent_id).sort()).toEqual(["limited", "slow", "steady", "unlucky"]);
    await eventually(async () => {
      expect(await everyMessage("CONTEXT_EVENTS", "context.updated")).toHaveLength(1);
    });
    const [updated] = (await everyMessage("CONTEXT_EVENTS", "context.updated")).map((one) =>
      contextUpdatedEvent.parse(one),
    );
    const completed = await everyMessage("ORCHESTRATOR_EVENTS", deliberationSubjects.completed());
    expect(completed).toHaveLength(1);
    const event = deliberationCompletedEvent.parse(completed[0]);
    expect(event).toMatchObject({ plan_id: PLAN, story_id: "US-3", deliberation_id });
    expect(updated).toMatchObject({ decision_id: event.decisions[0]?.id, task_id: TASK, plan_id: PLAN });
    const shown = await rayflow(["context", "show", TASK, "--server", server.url]);
    expect(shown.stderr).toBe("");
    expect(JSON.parse(shown.stdout)).toMatchObject({
      planId: PLAN,
      decisions: [{ id: event.decisions[0]?.id, decidedBy: event.winner_agent_id }],
      answers: [{ agentId: "limited" }, { agentId: "slow" }, { agentId: "steady" }, { agentId: "unlucky" }],
    });
    // The model was rate-limited and failed, and was asked again.
    expect(model.seen.filter(({ model: name }) => name === agents[2]?.model).length).toBeGreaterThanOrEqual(2);
    expect(model.seen.filter(({ model: name }) => name === agents[3]?.model).length).toBeGreaterThanOrEqual(2);

    await article.locator('[data-winner="true"]').getByText(`${event.winner_agent_id}`, { exact: true }).waitFor();
    const messages = page.getByRole("region", { name: "Messages" });
    await messages.getByText("context.updated", { exact: true }).waitFor();
    await messages.getByRole("searchbox").fill("agent.results");
    // As they pass: the copy that the killed actor's work was repeated with too, which the stream has dropped.
    await expect.poll(() => messages.getByRole("listitem").count()).toBeGreaterThanOrEqual(4);
    const councils = page.getByRole("region", { name: "Councils" });
    await expect.poll(() => councils.getByRole("row").count()).toBe(5);
  });

  test("a test case from the page runs, and so does one by HTTP; an unknown one is refused", async () => {
    await page.getByRole("button", { name: "Run test case" }).click();
    await page
      .getByRole("status")
      .getByText(/Plan test-basic-\w+: 1 task/)
      .waitFor();
    const list = page.getByRole("region", { name: "Deliberations" });
    await list.getByText("completed").nth(2).waitFor();
    const at = new URL("/api/admin/test-cases/execute?test_case=basic", page.url());
    const taken = await fetch(at, { method: "POST" });
    expect(taken.status).toBe(202);
    const { deliberations } = (await taken.json()) as { deliberations: { deliberation_id: string }[] };
    const id = deliberations[0]?.deliberation_id;
    await eventually(async () => {
      const detail = await fetch(new URL(`/api/monitoring/deliberations/${id}`, page.url()));
      expect(await detail.json()).toMatchObject({ status: "completed", agents: [{}, {}, {}] });
    });
    const evil = { method: "POST", headers: { Origin: "https://elsewhere.example" } };
    expect((await fetch(at, evil)).status).toBe(403);
    at.searchParams.set("test_case", "none");
    expect((await fetch(at, { method: "POST" })).status).toBe(400);
    expect(problems).toEqual([]);
    // Also where `/` is this page.
    await page.getByRole("link", { name: "Its run in the editor" }).first().click();
    await page.getByRole("region", { name: "Canvas" }).waitFor();
  });
});
