/** One message of the log, decoded and checked against the subject that it came on. */
import { z } from "zod";
import { decodeMessage, parseLogSubject, partitionOf, resultMessage, runMessage } from "../nats/index.ts";

export const logEntry = z.discriminatedUnion("kind", [
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("run"), message: runMessage }),
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("result"), message: resultMessage }),
]);
export type LogEntry = z.infer<typeof logEntry>;

export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  /** When the server stored it, ms since 1970. */
  readonly timeMs: number;
  readonly data: Uint8Array;
}

/**
 * The entry in a message, or why there is none. The subject is what a publisher had the right to, the content only what
 * it claims: so a run message counts for the run and the partition of its subject alone, a result for its node type.
 */
export function decodeLogEntry(
  stored: StoredMessage,
  partitions: number,
): { ok: true; entry: LogEntry } | { ok: false; reason: string } {
  const { seq, timeMs } = stored;
  const from = parseLogSubject(stored.subject);
  if (from?.kind === "run") {
    const decoded = decodeMessage(runMessage, stored.data);
    if (!decoded.ok) return decoded;
    const message = decoded.value;
    if (message.run !== from.run) return { ok: false, reason: `speaks of the run ${message.run}` };
    if (partitionOf(from.run, partitions) !== from.partition) {
      return { ok: false, reason: `the run ${from.run} is not of partition ${from.partition}` };
    }
    return { ok: true, entry: { seq, timeMs, kind: "run", message } };
  }
  if (from?.kind === "result") {
    const decoded = decodeMessage(resultMessage, stored.data);
    if (!decoded.ok) return decoded;
    const message = decoded.value;
    if (message.type !== from.type) return { ok: false, reason: `speaks for the type ${message.type}` };
    return { ok: true, entry: { seq, timeMs, kind: "result", message } };
  }
  return { ok: false, reason: "not a subject of the log" };
}

/** What of an entry concerns one run: a result message may hold results of many. Undefined: nothing. */
export function ofRun(entry: LogEntry, run: string): LogEntry | undefined {
  if (entry.kind === "run") return entry.message.run === run ? entry : undefined;
  const results = entry.message.results.filter((result) => result.run === run);
  if (results.length === entry.message.results.length) return entry;
  return results.length === 0 ? undefined : { ...entry, message: { ...entry.message, results } };
}
