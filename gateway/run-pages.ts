/** Lists runs, page by page: live ones first, newest first; then finished ones, the last that ended first. */
import { RayflowError } from "../flow/index.ts";
import { type RunStatus, runStatus } from "../nats/index.ts";
import type { HistorySummary, RunLog } from "../store/index.ts";
import { isoTime, standingOf, summaryOf } from "./describe-run.ts";
import { findLiveRuns, foldLiveRuns, type LiveRunsOptions } from "./live-runs.ts";
import type { RunStanding, RunSummary } from "./run-views.ts";

export interface RunQuery {
  /** Default 20. */
  readonly limit?: number;
  readonly status?: RunStanding;
  /** Name of the flow. */
  readonly flow?: string;
  /** Leaves out what ended before this time, ms since 1970. */
  readonly sinceMs?: number;
  /** Leaves out what was submitted after this time, ms since 1970. */
  readonly untilMs?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

export interface RunPage {
  readonly runs: RunSummary[];
  /** For the next page; null on the last one. */
  readonly cursor: string | null;
}

const DEFAULT_LIMIT = 20;
/** How long after its end a run may not be in the history yet, ms. */
const SETTLING_MS = 5_000;
/** `l12`: behind the live run submitted at 12; `h0`: the finished ones; `h34`: behind place 34 of the history. */
const CURSOR = /^([lh])(\d{1,16})$/;

interface Found {
  readonly summary: RunSummary;
  /** The cursor that goes on behind it. */
  readonly cursor: string;
}

/** @throws ValidationError when the cursor is none of ours */
export async function listRunPage(live: LiveRunsOptions, log: RunLog, query: RunQuery): Promise<RunPage> {
  const { limit = DEFAULT_LIMIT, status } = query;
  const from = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  const finalStatus = runStatus.safeParse(status).data;
  // One more than is wanted says whether there is another page.
  const wanted = limit + 1;
  const open = from?.list === "h" ? [] : await listLive(live, log, query, from?.at, wanted);
  const before = from?.list === "h" ? from.at : 0;
  // Read after the live ones: what ended in between is in one of the two.
  const finished =
    status === undefined || finalStatus !== undefined
      ? await listFinished(log, query, finalStatus, before, wanted)
      : [];
  const inHistory = new Set(finished.map(({ summary }) => summary.run_id));
  const all = [...open.filter(({ summary }) => !inHistory.has(summary.run_id)), ...finished];
  const page = all.slice(0, limit);
  const cursor = all.length > limit ? (page.at(-1)?.cursor ?? null) : null;
  return { runs: page.map(({ summary }) => summary), cursor };
}

async function listLive(
  live: LiveRunsOptions,
  log: RunLog,
  query: RunQuery,
  before: number | undefined,
  wanted: number,
): Promise<Found[]> {
  const { status, flow } = query;
  const candidates = await findLiveRuns(live, Date.now() - SETTLING_MS);
  const ended = candidates.filter(({ head }) => head?.ended).length;
  const settled = ended > 0 ? await log.listHistory({ limit: ended + wanted }) : [];
  const known = new Set(settled.map(({ run }) => run));
  const rest = candidates.filter(({ run, firstSeq }) => !known.has(run) && (before === undefined || firstSeq < before));
  const firstSeqs = new Map(rest.map(({ run, firstSeq }) => [run, firstSeq]));
  const open: Found[] = [];
  const justEnded: Found[] = [];
  for await (const folder of foldLiveRuns(live, rest)) {
    if (!folder.run || (flow !== undefined && folder.run.details.graph.name !== flow)) continue;
    if (status !== undefined && standingOf(folder) !== status) continue;
    const summary = summaryOf(folder, folder.run);
    if (!isWithin(summary, query)) continue;
    const isOpen = summary.ended_at === null;
    // What has just ended stands with the finished ones: behind it they begin.
    const cursor = isOpen ? `l${firstSeqs.get(folder.id) ?? 0}` : "h0";
    (isOpen ? open : justEnded).push({ summary, cursor });
    if (open.length >= wanted) break;
  }
  return [...open, ...justEnded.sort((a, b) => endOf(b.summary) - endOf(a.summary))];
}

/** Goes on reading until there are enough that lie within the times asked for. */
async function listFinished(
  log: RunLog,
  query: RunQuery,
  status: RunStatus | undefined,
  before: number,
  wanted: number,
): Promise<Found[]> {
  const { flow, sinceMs = 0 } = query;
  const found: Found[] = [];
  for (let end = before; ; ) {
    const batch = await log.listHistory({
      limit: wanted,
      ...(flow === undefined ? {} : { flow }),
      ...(status === undefined ? {} : { status }),
      ...(end === 0 ? {} : { before: end }),
    });
    for (const one of batch) {
      const summary = finishedSummary(one);
      if (isWithin(summary, query)) found.push({ summary, cursor: `h${one.at}` });
      if (found.length === wanted) return found;
    }
    const last = batch.at(-1);
    // They come about in the order in which they ended: nothing behind this one is younger by much.
    if (last === undefined || batch.length < wanted || last.endedMs < sinceMs - SETTLING_MS) return found;
    end = last.at;
  }
}

function isWithin(summary: RunSummary, { sinceMs = 0, untilMs = Number.POSITIVE_INFINITY }: RunQuery): boolean {
  return endOf(summary) >= sinceMs && Date.parse(summary.submitted_at) <= untilMs;
}

function endOf({ ended_at }: RunSummary): number {
  return ended_at === null ? Number.POSITIVE_INFINITY : Date.parse(ended_at);
}

function parseCursor(text: string): { list: "l" | "h"; at: number } {
  const [, list, at] = CURSOR.exec(text) ?? [];
  if (list === undefined) throw new RayflowError("ValidationError", "the cursor is none that a list of runs gave");
  return { list: list === "l" ? "l" : "h", at: Number(at) };
}

function finishedSummary(summary: HistorySummary): RunSummary {
  const { run, flow, version, status, startedMs, endedMs, statusCode, error } = summary;
  return {
    run_id: run,
    flow,
    version: version ?? null,
    status,
    submitted_at: isoTime(startedMs),
    ended_at: isoTime(endedMs),
    status_code: statusCode ?? null,
    error: error ?? null,
    waits_for: [],
  };
}
