/**
 * A run's log as the history keeps it: every entry of the hot log, but said once. Of plain results only what the run, the
 * place and the schema do not say already; the run's end without the result that stands beside it.
 */
import { z } from "zod";
import type { NodeResult, RunResult } from "../nats/index.ts";
import { type LogEntry, type StoredEntry, storedEntry, toStoredEntry } from "./log-entry.ts";

const outputs = z.record(z.string(), z.unknown());
/** Execution id without the run, outputs, when it started, how long it took, the actor, the exec outputs. */
const packedResult = z.tuple([z.string(), outputs, z.number(), z.number(), z.string(), z.array(z.string()).optional()]);
/** Sequence, time, node type, results. */
const packedResults = z.tuple([z.number().int(), z.number(), z.string()]).rest(packedResult);
/** Sequence and time of the run's end. */
const packedEnd = z.tuple([z.number().int(), z.number()]);

export const historyEntry = z.union([packedEnd, packedResults, storedEntry]);
export type HistoryEntry = z.infer<typeof historyEntry>;

type PackedResult = z.infer<typeof packedResult>;

/** The entries of a run as they are written; `end` is the result that stands beside them. */
export function packEntries(run: string, entries: readonly LogEntry[], end: RunResult | undefined): HistoryEntry[] {
  return entries.map((entry) => pack(run, entry, end));
}

function pack(run: string, entry: LogEntry, end: RunResult | undefined): HistoryEntry {
  const { seq, timeMs } = entry;
  if (entry.kind === "run") {
    // Whether it is the same one is only sure when it is the same object, or says the same.
    const isEnd = entry.message.kind === "finished" && end !== undefined && saysTheSame(entry.message.result, end);
    return isEnd ? [seq, timeMs] : toStoredEntry(entry);
  }
  const { v, type, results } = entry.message;
  const packed: PackedResult[] = [];
  for (const result of results) {
    const one = v === 1 ? packResult(run, result) : undefined;
    if (!one) return entry;
    packed.push(one);
  }
  return [seq, timeMs, type, ...packed];
}

function saysTheSame(a: RunResult, b: RunResult): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function packResult(run: string, result: NodeResult): PackedResult | undefined {
  const { id, status, outputs, cached, error, exec, started_at, duration_ms, actor } = result;
  const prefix = `${run}:`;
  const isPlain = status === "ok" && outputs !== undefined && cached === undefined && error === undefined;
  if (!isPlain || result.run !== run || !id.startsWith(prefix)) return undefined;
  const rest = id.slice(prefix.length);
  return exec === undefined
    ? [rest, outputs, started_at, duration_ms, actor]
    : [rest, outputs, started_at, duration_ms, actor, exec];
}

/** The entries as the log had them. */
export function unpackEntries(
  run: string,
  entries: readonly HistoryEntry[],
  end: RunResult | undefined,
): StoredEntry[] {
  return entries.map((entry) => {
    if (!Array.isArray(entry)) return entry;
    const [seq, timeMs, type, ...results] = entry as z.infer<typeof packedResults> | [number, number];
    if (type === undefined) {
      // Only a record has an end beside its entries, and only a record's entries end.
      return { seq, timeMs, kind: "run", message: { v: 1, kind: "finished", run, result: end as RunResult } };
    }
    return {
      seq,
      timeMs,
      kind: "result",
      message: { v: 1, type, results: (results as PackedResult[]).map((result) => unpackResult(run, result)) },
    };
  });
}

function unpackResult(run: string, packed: PackedResult): NodeResult {
  const [rest, outputs, started_at, duration_ms, actor, exec] = packed;
  const result: NodeResult = { id: `${run}:${rest}`, run, status: "ok", outputs, started_at, duration_ms, actor };
  return exec === undefined ? result : { ...result, exec };
}
