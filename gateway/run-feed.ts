/**
 * A run's log as the fold takes it, entry by entry: what there is now, and, for those who follow, what comes.
 *
 * L1. Every entry comes once and in order; who names the last sequence that he has goes on behind it.
 * L2. Large values stay references: the fold passes them along unread, here as in the orchestrator.
 * L3. Nothing is read ahead of what the reader takes, but for one piece of the history.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { type RunResult, subjects } from "../nats/index.ts";
import type { LogEntry } from "../orchestrator/index.ts";
import { type ReadGate, RunEntries, type RunLog } from "../store/index.ts";
import { notFound } from "./run-directory.ts";
import { patientGate } from "./shared-reads.ts";

export interface LogPage {
  readonly entries: LogEntry[];
  /** The `after` of the next page; null when there is nothing more now. */
  readonly next: number | null;
  /** Whether the run has ended and nothing is left to come. */
  readonly ended: boolean;
}

export interface PageOptions {
  /** Sequence of the last entry that is known. */
  readonly after: number;
  readonly limit: number;
  /** A page ends before it grows past this, bytes of JSON. */
  readonly maxBytes: number;
  /** Lets it read through the hot log when it is its turn. Default: at once. */
  readonly gate?: ReadGate;
}

export type FeedItem =
  | { readonly kind: "entry"; readonly entry: LogEntry }
  | { readonly kind: "end"; readonly result: RunResult };

/** News come in bursts: the log is looked at no more often than this, ms. */
const SHORTEST_PAUSE_MS = 30;
const FIRST_PAUSE_MS = 250;
/** The log is looked at this often though nothing is heard: news on the wire may be lost. */
const LONGEST_PAUSE_MS = 3_000;

/** @throws RunNotFound */
export async function readLogPage(log: RunLog, id: string, options: PageOptions): Promise<LogPage> {
  const { after, limit, maxBytes } = options;
  const entries: LogEntry[] = [];
  const source = new RunEntries(log, id, options.gate);
  let bytes = 0;
  let known = false;
  let finished = false;
  for await (const entry of source.more()) {
    known = true;
    if (isFinished(entry)) finished = true;
    if (entry.seq <= after) continue;
    bytes += JSON.stringify(entry).length;
    const last = entries.at(-1);
    // At least one, so that who asks again and again comes to the end.
    if (last !== undefined && (entries.length === limit || bytes > maxBytes)) {
      return { entries, next: last.seq, ended: false };
    }
    entries.push(entry);
  }
  if (!known) throw notFound(id);
  return { entries, next: null, ended: finished || source.record !== undefined };
}

/**
 * The entries behind `after`, and those to come, until the run has ended (`end` comes last) or the signal aborts.
 * @throws RunNotFound, ConnectionFailed
 */
export async function* followLog(
  nc: NatsConnection,
  log: RunLog,
  id: string,
  options: { readonly after: number; readonly signal: AbortSignal },
): AsyncGenerator<FeedItem> {
  const { after, signal } = options;
  const source = new RunEntries(log, id, patientGate(nc, signal));
  let wake = (): void => {};
  let called = false;
  const call = (): void => {
    called = true;
    wake();
  };
  const news = nc.subscribe(subjects.eventsOfRun(id), { callback: call });
  signal.addEventListener("abort", call);
  void nc.closed().then(call);
  try {
    let known = false;
    let result: RunResult | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      called = false;
      for await (const entry of source.more()) {
        known = true;
        pauseMs = FIRST_PAUSE_MS;
        if (entry.kind === "run" && entry.message.kind === "finished") result = entry.message.result;
        if (entry.seq > after) yield { kind: "entry", entry };
        if (signal.aborted) return;
      }
      if (!known) throw notFound(id);
      result ??= source.record?.result;
      if (result) return yield { kind: "end", result };
      if (nc.isClosed()) throw new RayflowError("ConnectionFailed", `the connection closed while run ${id} went on`);
      await pause(SHORTEST_PAUSE_MS, (woken) => {
        wake = signal.aborted ? woken : () => {};
      });
      if (called || signal.aborted) continue;
      await pause(pauseMs, (woken) => {
        wake = woken;
      });
    }
  } finally {
    signal.removeEventListener("abort", call);
    if (!nc.isClosed()) news.unsubscribe();
  }
}

function isFinished(entry: LogEntry): boolean {
  return entry.kind === "run" && entry.message.kind === "finished";
}

/** Ends after so many ms, or when what `expose` is given is called. */
function pause(ms: number, expose: (wake: () => void) => void): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    expose(() => {
      clearTimeout(timer);
      done();
    });
  });
}
