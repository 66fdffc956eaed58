/** What a message of the history says in its headers: enough to list runs without reading one of them. */
import type { MsgHdrs } from "@nats-io/transport-node";
import { fromSafeToken, outgoingHeaders, type RunStatus, runStatus } from "../nats/index.ts";
import type { HistoryRecord } from "./history-record.ts";

/** Header names of a history message. */
export const historyHeaders = {
  status: "Rayflow-Status",
  /** ms since 1970. */
  started: "Rayflow-Started",
  ended: "Rayflow-Ended",
  version: "Rayflow-Version",
  /** Sequence of the run's `finished` message in the log. */
  seq: "Rayflow-Seq",
  statusCode: "Rayflow-Status-Code",
  error: "Rayflow-Error",
  /** In a segment: the first and the last sequence in it. */
  segment: "Rayflow-Segment",
  /** `json`, `gzip`: the body is here; `object`: it is in the object store, gzipped. */
  body: "Rayflow-Body",
} as const;

export interface HistorySummary {
  readonly run: string;
  readonly flow: string;
  readonly status: RunStatus;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly version: string | undefined;
  readonly seq: number;
  /** Its place in the history. */
  readonly at: number;
  readonly statusCode: number | undefined;
  /** Code of the error that ended the run. */
  readonly error: string | undefined;
}

export function headersOf(record: Omit<HistoryRecord, "v">): MsgHdrs {
  const made = outgoingHeaders();
  const { status, status_code, error } = record.result;
  made.set(historyHeaders.status, status);
  made.set(historyHeaders.started, String(record.startedMs));
  made.set(historyHeaders.ended, String(record.endedMs));
  made.set(historyHeaders.seq, String(record.seq));
  if (record.version !== undefined) made.set(historyHeaders.version, headerText(record.version));
  if (status_code !== null) made.set(historyHeaders.statusCode, String(status_code));
  if (error !== null) made.set(historyHeaders.error, headerText(error.code));
  return made;
}

/** Text of others must not start a header of its own. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}

export function summaryOf(subject: string, at: number, from: MsgHdrs | undefined): HistorySummary | undefined {
  const [, , flow, run] = subject.split(".");
  const status = runStatus.safeParse(from?.get(historyHeaders.status));
  const startedMs = Number(from?.get(historyHeaders.started));
  const endedMs = Number(from?.get(historyHeaders.ended));
  if (!status.success || flow === undefined || run === undefined) return undefined;
  if (!Number.isFinite(startedMs) || !Number.isFinite(endedMs)) return undefined;
  const statusCode = from?.get(historyHeaders.statusCode);
  return {
    run,
    flow: fromSafeToken(flow),
    status: status.data,
    startedMs,
    endedMs,
    version: from?.get(historyHeaders.version) || undefined,
    seq: Number(from?.get(historyHeaders.seq)) || 0,
    at,
    statusCode: statusCode ? Number(statusCode) : undefined,
    error: from?.get(historyHeaders.error) || undefined,
  };
}
