/** What the gateway's monitoring page shows, on one connection: nothing is kept here but caches of what the log says. */
import { randomUUID } from "node:crypto";
import { JetStreamApiError, type JetStreamClient, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  askOrchestrators,
  type CouncilView,
  type DeliberationDetail,
  type DeliberationView,
  type JobView,
  type Monitoring,
  type MonitoringOverview,
  readActors,
  type ServiceView,
} from "../../gateway/index.ts";
import { decodeMessage } from "../../nats/index.ts";
import { leaseOwners, readBounded } from "../../store/index.ts";
import { DeliberationDirectory } from "../deliberation-directory.ts";
import type { DeliberationJob, DeliberationSummary } from "../deliberation-views.ts";
import { agentResultEvent, deliberationSubjects, streamingEvent } from "../messages.ts";
import { AGENT_RESULTS, ensureEventStreams, VLLM_STREAMING } from "../pipeline/streams.ts";
import { askHealth, reportHealth } from "../service-health.ts";
import type { Council } from "../statistics.ts";
import { AgentStreams } from "./agent-streams.ts";
import { executeTestCase, testCases } from "./test-cases.ts";

export interface MonitoringOptions {
  readonly nc: NatsConnection;
  /** Of RayFlow, as others see it. */
  readonly version: string;
}

const SUBJECTS = ["planning.>", "orchestration.>", "context.>", "agent.results.>", "vllm.streaming.>"];
const ASK_MS = 400;
const SHOWN = 50;
/** Several pages ask at once, every few seconds: one look serves them, ms. */
const FRESH_MS = 1_000;

/** Makes nothing on the server before somebody looks: most gateways never show the page. */
export function openMonitoring({ nc, version }: MonitoringOptions): Monitoring & Disposable {
  const nats = { name: "NATS", check: async () => `${nc.getServer()}, ${await nc.rtt()} ms away` };
  const id = randomUUID().slice(0, 8);
  const health = reportHealth({ nc, service: "gateway", id, version, connections: [nats] });
  let opening: Promise<DeliberationDirectory> | undefined;
  const directory = (): Promise<DeliberationDirectory> => {
    opening ??= DeliberationDirectory.open(nc).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  let last: { readonly overview: Promise<MonitoringOverview>; freshUntilMs: number } | undefined;
  return {
    subjects: SUBJECTS,
    isFleeting: (subject) => subject.startsWith("vllm."),
    testCases,
    overview: () => {
      if (last === undefined || Date.now() > last.freshUntilMs) {
        const overview = directory().then((found) => look(nc, found));
        // While one is under way there is no other, however long it takes.
        const looking = { overview, freshUntilMs: Number.POSITIVE_INFINITY };
        last = looking;
        const seen = (freshMs: number) => () => {
          looking.freshUntilMs = Date.now() + freshMs;
        };
        overview.then(seen(FRESH_MS), seen(-1));
      }
      return last.overview;
    },
    deliberation: async (deliberation) => detail(nc, await directory(), deliberation),
    execute: async (name) => {
      await ensureEventStreams(nc);
      return executeTestCase(nc, name);
    },
    [Symbol.dispose]: () => health[Symbol.dispose](),
  };
}

async function look(nc: NatsConnection, directory: DeliberationDirectory): Promise<MonitoringOverview> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const [owners, reports, orchestrators, actors, totals, page, councils, jobs] = await Promise.all([
    leaseOwners(nc),
    askHealth(nc, ASK_MS),
    askOrchestrators(nc, ASK_MS),
    readActors(jsm),
    directory.totals(),
    directory.page({ limit: SHOWN }),
    directory.councils.read(),
    directory.jobs(),
  ]);
  const services: ServiceView[] = [
    ...[...new Set(owners.values())].sort().map((id) => {
      const answer = orchestrators.find((one) => one.id === id);
      const held = [...owners.values()].filter((owner) => owner === id).length;
      const runs = answer === undefined ? "" : `, ${answer.active_runs} live runs`;
      return {
        service: "orchestrator",
        id,
        version: answer?.version ?? "",
        uptime_seconds: null,
        connections: [{ name: "NATS", state: "ok" as const, detail: `${held} partitions${runs}` }],
      };
    }),
    ...reports.map(({ v: _, ...report }) => report),
  ];
  const { averageMs, ...counts } = totals;
  return {
    at: new Date().toISOString(),
    services,
    actors: [...actors],
    totals: { ...counts, average_execution_time_ms: averageMs },
    deliberations: page.deliberations.map(viewOf),
    councils: councils.map(councilView),
    jobs: jobs.map(jobView),
  };
}

async function detail(nc: NatsConnection, directory: DeliberationDirectory, id: string): Promise<DeliberationDetail> {
  const record = await directory.record(id);
  const outcome = await directory.outcome(id);
  const streams = new AgentStreams();
  const js = jetstream(nc);
  if (outcome.status === "running") {
    const filter = deliberationSubjects.streaming(record.task_id);
    for await (const { data } of readStream(js, VLLM_STREAMING, filter)) {
      const decoded = decodeMessage(streamingEvent, data);
      if (decoded.ok && decoded.value.deliberation_id === id) streams.token(decoded.value);
    }
  }
  const filter = deliberationSubjects.agentResults(record.task_id);
  for await (const { data } of readStream(js, AGENT_RESULTS, filter)) {
    const decoded = decodeMessage(agentResultEvent, data);
    if (decoded.ok && decoded.value.deliberation_id === id) streams.answer(decoded.value);
  }
  const { result } = outcome;
  if (result !== undefined) streams.judged(result);
  const seats = record.agents.map((agent) => agent.id);
  return {
    deliberation_id: id,
    task_id: record.task_id,
    task_description: record.task_description,
    role: record.role,
    status: outcome.status,
    agent_ids: seats,
    submitted_at: isoTime(record.created_ms),
    ended_at: outcome.endedMs === undefined ? null : isoTime(outcome.endedMs),
    error: outcome.error ?? null,
    plan_id: record.plan_id ?? null,
    story_id: record.story_id ?? null,
    winner:
      result === undefined
        ? null
        : { agent_id: result.winner.agent_id, proposal: result.winner.proposal, score: result.winner.score },
    agents: streams.list(seats),
  };
}

/** Nothing where there is no such stream. */
async function* readStream(js: JetStreamClient, stream: string, filter: string): AsyncGenerator<JsMsg> {
  try {
    yield* readBounded(js, { stream, filter });
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.status === 404)) throw error;
  }
}

function viewOf(one: DeliberationSummary): DeliberationView {
  return {
    deliberation_id: one.deliberationId,
    task_id: one.taskId,
    task_description: one.taskDescription,
    role: one.role,
    status: one.status,
    agent_ids: [...one.agentIds],
    submitted_at: isoTime(one.submittedMs),
    ended_at: one.endedMs === undefined ? null : isoTime(one.endedMs),
    error: one.error ?? null,
    plan_id: one.planId ?? null,
    story_id: one.storyId ?? null,
  };
}

function councilView({ role, deliberations, lastActiveMs, agents }: Council): CouncilView {
  return {
    role,
    deliberations,
    last_active_at: isoTime(lastActiveMs),
    agents: agents.map((agent) => ({
      id: agent.id,
      model: agent.model,
      deliberations: agent.deliberations,
      last_active_at: isoTime(agent.lastActiveMs),
    })),
  };
}

function jobView(job: DeliberationJob): JobView {
  return {
    job_id: job.jobId,
    node: job.node,
    type: job.type,
    state: job.state,
    deliberation_id: job.deliberationId,
    task_id: job.taskId,
    role: job.role,
    agent_id: job.agentId ?? null,
    attempt: job.attempt,
    started_at: job.startedMs === undefined ? null : isoTime(job.startedMs),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
