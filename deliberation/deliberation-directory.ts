/**
 * Reads and ends deliberations. Everything comes from the log, the history and the records: any process answers, and one
 * that has just started answers the same.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import {
  RunControl,
  type RunDescription,
  RunDirectory,
  type RunQuery,
  type RunSummary,
  resolveResult,
} from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { FLOW_NAME } from "./deliberation-flow.ts";
import {
  agentAt,
  type DeliberationJob,
  type DeliberationOutcome,
  type DeliberationStatus,
  type DeliberationSummary,
  resultIn,
  statusOf,
} from "./deliberation-views.ts";
import { CouncilCounter, EndedCounter } from "./statistics.ts";
import { type TaskRecord, TaskRecords } from "./task-records.ts";

export interface DeliberationQuery {
  readonly limit: number;
  readonly status?: DeliberationStatus | undefined;
  readonly role?: string | undefined;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
}

export interface DeliberationTotals {
  readonly total: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly averageMs: number;
}

const WHOLE_ID = /^r[0-9a-v]{25}$/;
const MAX_RESULT_BYTES = 3 * 1024 * 1024;
/** How much is read to fill a page of which a filter leaves little. */
const MAX_PAGES = 20;
const LIVE_PAGE = 500;

export class DeliberationDirectory {
  readonly runs: RunDirectory;
  readonly records: TaskRecords;
  readonly councils: CouncilCounter;
  readonly #nc: NatsConnection;
  readonly #control: RunControl;
  readonly #ended: EndedCounter;

  private constructor(nc: NatsConnection, runs: RunDirectory, records: TaskRecords) {
    this.#nc = nc;
    this.runs = runs;
    this.records = records;
    this.councils = new CouncilCounter(nc);
    this.#control = new RunControl(nc, runs);
    this.#ended = new EndedCounter(nc);
  }

  /** @throws ConnectionFailed */
  static async open(nc: NatsConnection): Promise<DeliberationDirectory> {
    const [runs, records] = await Promise.all([RunDirectory.open(nc), TaskRecords.open(nc)]);
    return new DeliberationDirectory(nc, runs, records);
  }

  /** @throws RunNotFound */
  async outcome(id: string): Promise<DeliberationOutcome> {
    const record = await this.record(id);
    const ended = await this.runs.log.finishedResult(id);
    const base = { deliberationId: id, taskId: record.task_id, submittedMs: record.created_ms };
    if (ended !== undefined) {
      const run = await resolveResult(this.#nc, ended, MAX_RESULT_BYTES);
      const status = statusOf(run.status);
      const endedMs = record.created_ms + run.statistics.total_time * 1000;
      return { ...base, status, result: resultIn(run), error: errorIn(run), endedMs };
    }
    const { refused } = record;
    const waits = { result: undefined, endedMs: undefined };
    if (refused !== undefined) return { ...base, ...waits, status: "failed", error: refused.message };
    return { ...base, ...waits, status: "running", error: undefined };
  }

  /** What was asked for. @throws RunNotFound also when there is a run of that id that is no deliberation */
  async record(id: string): Promise<Omit<TaskRecord, "fingerprint">> {
    if (!WHOLE_ID.test(id)) throw notFound(id);
    const record = await this.records.find(id);
    if (record !== undefined) return record;
    // Begun by other means, from the editor for one.
    const run = await this.runs.describe(id).catch((error: unknown) => {
      throw error instanceof RayflowError && error.code === "RunNotFound" ? notFound(id) : error;
    });
    if (run.flow !== FLOW_NAME) throw notFound(id);
    return recordOf(run);
  }

  /** Live ones first, newest first; then the ended ones. `cursor` is null on the last page. */
  async page(query: DeliberationQuery): Promise<{ deliberations: DeliberationSummary[]; cursor: string | null }> {
    const { limit, role, status } = query;
    const found: DeliberationSummary[] = [];
    const wanted: RunQuery = status === undefined || status === "running" ? {} : { status: runStatusOf(status) };
    let cursor = query.cursor ?? null;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page = await this.runs.page({
        flow: FLOW_NAME,
        limit: limit - found.length,
        ...wanted,
        ...(cursor === null ? {} : { cursor }),
      });
      const summaries = await this.#summaries(page.runs);
      for (const one of summaries) {
        if (status !== undefined && one.status !== status) continue;
        if (role === undefined || one.role === role) found.push(one);
      }
      cursor = page.cursor;
      // Behind the first one that has ended all have.
      if (status === "running" && page.runs.some(({ ended_at }) => ended_at !== null)) cursor = null;
      if (cursor === null || found.length >= limit) break;
    }
    return { deliberations: found, cursor };
  }

  async #summaries(runs: readonly RunSummary[]): Promise<DeliberationSummary[]> {
    const records = await Promise.all(runs.map(({ run_id }) => this.records.find(run_id)));
    const summaries: DeliberationSummary[] = [];
    for (const [at, run] of runs.entries()) {
      // One after the other: each reads through the log.
      summaries.push(summaryOf(run, records[at] ?? recordOf(await this.runs.describe(run.run_id))));
    }
    return summaries;
  }
  /** Every deliberation that goes on. */
  async live(): Promise<DeliberationSummary[]> {
    const found: DeliberationSummary[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await this.page({
        limit: LIVE_PAGE,
        status: "running",
        ...(cursor === undefined ? {} : { cursor }),
      });
      found.push(...page.deliberations);
      cursor = page.cursor;
    }
    return found;
  }

  async totals(): Promise<DeliberationTotals> {
    // The live ones first: what ends in between is counted once, as ended.
    const live = await this.live();
    const ended = await this.#ended.read();
    const active = live.filter(({ deliberationId }) => !this.#ended.has(deliberationId)).length;
    const { completed, failed, cancelled, averageMs } = ended;
    return { total: active + completed + failed + cancelled, active, completed, failed, cancelled, averageMs };
  }

  /** What actors are at in the deliberations that go on. */
  async jobs(): Promise<DeliberationJob[]> {
    const jobs: DeliberationJob[] = [];
    for (const summary of await this.live()) {
      // It may have ended since.
      const run = await this.runs.describe(summary.deliberationId).catch(() => undefined);
      if (run !== undefined) jobs.push(...jobsOf(run, summary));
    }
    return jobs;
  }

  /** Tells the agents to stop. @throws RunNotFound, RunEnded when it has ended in another way */
  async cancel(id: string, reason?: string): Promise<"cancelling" | "cancelled"> {
    const { status } = await this.outcome(id);
    if (status === "cancelled") return "cancelled";
    if (status !== "running") {
      throw new RayflowError("RunEnded", `deliberation ${id} has ended: ${status}`, { details: { status } });
    }
    await this.#control.cancel(id, reason);
    return "cancelling";
  }
}

export function notFound(id: string): RayflowError {
  return new RayflowError("RunNotFound", `there is no deliberation ${JSON.stringify(id.slice(0, 100))}`);
}

function summaryOf(run: RunSummary, record: Omit<TaskRecord, "fingerprint">): DeliberationSummary {
  return {
    deliberationId: run.run_id,
    taskId: record.task_id,
    taskDescription: record.task_description,
    role: record.role,
    status: statusOf(run.status),
    agentIds: record.agents.map(({ id }) => id),
    submittedMs: Date.parse(run.submitted_at),
    endedMs: run.ended_at === null ? undefined : Date.parse(run.ended_at),
    error: run.error ?? undefined,
    planId: record.plan_id,
    storyId: record.story_id,
  };
}

function runStatusOf(status: Exclude<DeliberationStatus, "running">) {
  return status === "completed" ? "succeeded" : status;
}

function errorIn(run: RunResult): string | undefined {
  if (run.success) return undefined;
  const why = run.error ?? run.statistics.errors.at(-1);
  return why === undefined || why === null ? run.status : `${why.code}: ${why.message}`;
}

function recordOf(run: RunDescription): Omit<TaskRecord, "fingerprint"> {
  const { inputs } = run;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const agents = Array.isArray(inputs.agents) ? inputs.agents : [];
  const role = text(inputs.role);
  const given = typeof inputs.constraints === "object" && inputs.constraints !== null ? inputs.constraints : {};
  const { plan_id, story_id } = given as { plan_id?: unknown; story_id?: unknown };
  return {
    v: 1,
    task_id: text(inputs.task_id),
    deliberation_id: run.run_id,
    task_description: text(inputs.task_description),
    role,
    agents: agents.map((agent: { id?: unknown; role?: unknown; model?: unknown } | null) => ({
      id: text(agent?.id),
      role: text(agent?.role) || role,
      model: text(agent?.model),
    })),
    ...(text(plan_id) === "" ? {} : { plan_id: text(plan_id) }),
    ...(text(story_id) === "" ? {} : { story_id: text(story_id) }),
    created_ms: Date.parse(run.submitted_at),
  };
}

const JOB_STATES: Readonly<Record<string, DeliberationJob["state"]>> = {
  running: "RUNNING",
  backing_off: "RETRYING",
  held: "PENDING",
  gathering: "PENDING",
};

function jobsOf(run: RunDescription, summary: DeliberationSummary): DeliberationJob[] {
  const seats = summary.agentIds.map((id) => ({ id }));
  return run.nodes.flatMap(({ node, scope, type, state, attempt, started_at }): DeliberationJob[] => {
    const shown = type.startsWith("ai_") ? JOB_STATES[state] : undefined;
    if (shown === undefined) return [];
    return [
      {
        jobId: `${run.run_id}:${node}@${scope}`,
        node,
        type,
        state: shown,
        deliberationId: run.run_id,
        taskId: summary.taskId,
        role: summary.role,
        agentId: agentAt(scope, seats),
        attempt,
        startedMs: started_at === null ? undefined : Date.parse(started_at),
      },
    ];
  });
}
