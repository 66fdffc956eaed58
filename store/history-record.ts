/** The bodies of the history: a finished run with its log, and a segment of a run that goes on. */
import { z } from "zod";
import { runResult } from "../nats/index.ts";
import { historyEntry } from "./history-entries.ts";
import { logEntry } from "./log-entry.ts";

export const historyRecord = z.object({
  v: z.literal(1),
  flow: z.string(),
  version: z.string().optional(),
  /** ms since 1970. */
  startedMs: z.number(),
  endedMs: z.number(),
  /** Sequence of the run's `finished` message in the log. */
  seq: z.number().int(),
  result: runResult,
  entries: z.array(logEntry),
});
export type HistoryRecord = z.infer<typeof historyRecord>;

/** As they are written: version 1 has whole entries only. */
const written = { v: z.literal([1, 2]), entries: z.array(historyEntry) };
export const storedRecord = historyRecord.extend(written);
export const historySegment = z.object({ ...written, run: z.string() });
