/** One message of the log, decoded and checked against the subject that it came on. */
import type { JsMsg } from "@nats-io/jetstream";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import {
  decodeMessage,
  type ExecutionTokens,
  endsMessage,
  type LogSubject,
  type NodeResult,
  parseLogSubject,
  partitionOf,
  type RunMessage,
  type RunResult,
  readEnds,
  readResult,
  readRunMessage,
  resultMessage,
  runMessage,
  type SentResult,
  type SentResultMessage,
  sentResult,
  sentResultMessage,
  storedRunMessage,
  toStored,
} from "../nats/index.ts";
import type { BlueprintStore, FlowAndTypes } from "./blueprint-store.ts";

export const logEntry = z.discriminatedUnion("kind", [
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("run"), message: runMessage }),
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("result"), message: resultMessage }),
]);
export type LogEntry = z.infer<typeof logEntry>;

/** An entry as it is written: a `submitted` message may name its flow instead of carrying it. */
export const storedEntry = z.discriminatedUnion("kind", [
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("run"), message: storedRunMessage }),
  z.object({ seq: z.number().int(), timeMs: z.number(), kind: z.literal("result"), message: resultMessage }),
]);
export type StoredEntry = z.infer<typeof storedEntry>;
export type ResultEntry = Extract<StoredEntry, { kind: "result" }>;
type RunEntry = Extract<LogEntry, { kind: "run" }>;

/** Runs that have ended by one message. */
export interface EndsEntry {
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: "ends";
  readonly results: readonly RunResult[];
}
/** What a message of the log is to those who read it for many runs. */
export type PartitionEntry = LogEntry | EndsEntry;
/** The same as it is written. */
export type StoredPartitionEntry = StoredEntry | EndsEntry;

/** When the server stored the message, ms since 1970. */
export function timeOf(message: JsMsg): number {
  return Math.floor(message.info.timestampNanos / 1e6);
}

/** The entry without what is stored elsewhere. */
export function toStoredEntry(entry: LogEntry): StoredEntry {
  return entry.kind === "run" ? { ...entry, message: toStored(entry.message) } : entry;
}

/**
 * The entry with its flow. What names a flow that is gone gets an empty one, which no run can go on with.
 * Rejects when the flow cannot be read now.
 */
export function toLogEntry(entry: StoredEntry, blueprints: BlueprintStore): LogEntry | Promise<LogEntry> {
  if (entry.kind === "result") return entry;
  const { seq, timeMs, kind, message } = entry;
  if (message.kind !== "submitted_ref") return { seq, timeMs, kind, message };
  const withFlow = (content: FlowAndTypes = goneFlow(message.blueprint)): LogEntry => {
    const submitted: RunMessage = { ...message, kind: "submitted", flow: content.flow, types: content.types };
    return { seq, timeMs, kind, message: submitted };
  };
  const known = blueprints.find(message.blueprint);
  return known
    ? withFlow(known)
    : blueprints.read(message.blueprint).then(withFlow, (error: unknown) => {
        // What cannot be read now may be later; what makes no sense never will.
        if (error instanceof RayflowError && !error.retryable) return withFlow();
        throw error;
      });
}

const EMPTY_FLOW: FlowAndTypes["flow"] = {
  name: "",
  variables: {},
  error_strategy: "abort",
  drain: "cancel",
  nodes: [],
  edges: [],
};

function goneFlow(hash: string): FlowAndTypes {
  return { flow: { ...EMPTY_FLOW, name: `flow-${hash.slice(0, 8)}-is-gone` }, types: [] };
}

export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  /** When the server stored it, ms since 1970. */
  readonly timeMs: number;
  readonly data: Uint8Array;
}

/** Says which results are those of the executions that they name. */
export interface ResultGuard extends Pick<ExecutionTokens, "verify"> {
  /** Called for each result that is left out. The reason holds nothing secret. */
  readonly refused: (subject: string, reason: string) => void;
}

/** For those who look at what the orchestrator has counted already. */
export function quietGuard({ verify }: Pick<ExecutionTokens, "verify">): ResultGuard {
  return { verify, refused: () => {} };
}

export type DecodedEntry =
  | { readonly ok: true; readonly entry: StoredPartitionEntry; readonly partition: number | "many" }
  | { readonly ok: false; readonly reason: string };

/**
 * The entry in a message, or why there is none. The subject is what a publisher had the right to, the content only what
 * it claims: so a run message counts for the run and the partition of its subject alone, a result for its node type and
 * partition, and only with the token of its execution.
 */
export function decodeLogEntry(stored: StoredMessage, partitions: number, guard: ResultGuard): DecodedEntry {
  const { seq, timeMs } = stored;
  const from = parseLogSubject(stored.subject);
  if (from?.kind === "run") {
    const decoded = decodeMessage(storedRunMessage, stored.data, readRunMessage);
    if (!decoded.ok) return decoded;
    const message = decoded.value;
    if (message.run !== from.run) return { ok: false, reason: `speaks of the run ${message.run}` };
    if (partitionOf(from.run, partitions) !== from.partition) {
      return { ok: false, reason: `the run ${from.run} is not of partition ${from.partition}` };
    }
    return { ok: true, entry: { seq, timeMs, kind: "run", message }, partition: from.partition };
  }
  if (from?.kind === "result") {
    const decoded = decodeMessage(sentResultMessage, stored.data, readResult);
    const message = decoded.ok ? decoded.value : mendedResults(stored.data, decoded.reason);
    // A parser's word on bad JSON quotes it, and with it perhaps a token.
    if (!message) {
      const reason = decoded.ok || decoded.reason.startsWith("not JSON") ? "not JSON" : decoded.reason;
      return { ok: false, reason };
    }
    const { v, type } = message;
    if (type !== from.type) return { ok: false, reason: "speaks for another type than its subject" };
    const results = genuine(stored.subject, from, message.results, partitions, guard);
    if (results.length === 0) return { ok: false, reason: "none of its results counts" };
    return {
      ok: true,
      entry: { seq, timeMs, kind: "result", message: { v, type, results } },
      partition: from.partition,
    };
  }
  if (from?.kind === "ends") {
    const decoded = decodeMessage(endsMessage, stored.data, readEnds);
    if (!decoded.ok) return decoded;
    return { ok: true, entry: { seq, timeMs, kind: "ends", results: decoded.value.results }, partition: "many" };
  }
  return { ok: false, reason: "not a subject of the log" };
}

/** The results that count, without their tokens. */
function genuine(
  subject: string,
  { partition }: Extract<LogSubject, { kind: "result" }>,
  sent: readonly SentResult[],
  partitions: number,
  guard: ResultGuard,
): NodeResult[] {
  const results: NodeResult[] = [];
  for (const result of sent) {
    const { id, run, token } = result;
    // The run in front of an execution's id is the one that the token was made for.
    if (!id.startsWith(run) || id[run.length] !== ":")
      guard.refused(subject, "a result names another run than its execution's");
    else if (partition !== "many" && partitionOf(run, partitions) !== partition)
      guard.refused(subject, "a result of another partition");
    else if (!guard.verify(id, token)) guard.refused(subject, "a result without its execution's token");
    else {
      // The message was parsed for this: a copy of each result without its token would cost more than the check.
      result.token = undefined;
      results.push(result);
    }
  }
  return results;
}

const namedResults = z.object({
  v: z.literal(1),
  type: z.string(),
  results: z
    .array(z.looseObject({ id: z.string(), run: z.string(), token: z.string().optional().catch(undefined) }))
    .min(1)
    .max(256),
});

/**
 * A result that says whose it is and is wrong otherwise, by an actor that does not keep to the schema, is a failure of
 * that execution: its dispatch has been acked, so a run that it were kept from would wait for ever.
 */
function mendedResults(data: Uint8Array, reason: string): SentResultMessage | undefined {
  const named = decodeMessage(namedResults, data);
  if (!named.ok) return undefined;
  const { v, type, results } = named.value;
  const mended = results.map((result): SentResult => {
    const read = sentResult.safeParse(result);
    if (read.success) return read.data;
    const error = {
      code: "MalformedMessage",
      message: `the actor's result cannot be read: ${reason}`,
      retryable: false,
    };
    const { id, run, token } = result;
    return { id, run, token, status: "error", error, started_at: 0, duration_ms: 0, actor: "unknown" };
  });
  return { v, type, results: mended };
}

/** The items by key, in the order of the keys' first items. */
export function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** A result message, taken apart: for each run the entry with its results alone, in the order of the runs' first results. */
export function byRun(entry: Extract<LogEntry, { kind: "result" }>): Iterable<readonly [string, LogEntry]> {
  const { seq, timeMs, kind, message } = entry;
  const { v, type } = message;
  const [first] = message.results;
  if (first && message.results.every(({ run }) => run === first.run)) return [[first.run, entry]];
  const runs = grouped(message.results, ({ run }) => run);
  return Array.from(runs, ([run, results]) => [run, { seq, timeMs, kind, message: { v, type, results } }] as const);
}

/** What of a message concerns one partition; undefined: nothing. */
export function ofPartition(
  decoded: Extract<DecodedEntry, { ok: true }>,
  partition: number,
  partitions: number,
): StoredPartitionEntry | undefined {
  const { entry } = decoded;
  if (decoded.partition !== "many" || entry.kind === "run") return entry;
  if (entry.kind === "ends") {
    const ends = entry.results.filter(({ run_id }) => partitionOf(run_id, partitions) === partition);
    return ends.length === 0 ? undefined : { ...entry, results: ends };
  }
  const results = entry.message.results.filter(({ run }) => partitionOf(run, partitions) === partition);
  return results.length === 0 ? undefined : { ...entry, message: { ...entry.message, results } };
}

/** The ends of a message, each as its run would have it alone. */
export function oneByOne({ seq, timeMs, results }: EndsEntry): RunEntry[] {
  return results.map((result) => endOf(result, seq, timeMs));
}

function endOf(result: RunResult, seq: number, timeMs: number): RunEntry {
  return { seq, timeMs, kind: "run", message: { v: 1, kind: "finished", run: result.run_id, result } };
}

/** What of an entry concerns one run: a result message may hold results of many. Undefined: nothing. */
export function ofRun(entry: PartitionEntry, run: string): LogEntry | undefined;
export function ofRun(entry: StoredPartitionEntry, run: string): StoredEntry | undefined;
export function ofRun(entry: StoredPartitionEntry, run: string): StoredEntry | undefined {
  if (entry.kind === "ends") {
    const end = entry.results.find(({ run_id }) => run_id === run);
    return end && endOf(end, entry.seq, entry.timeMs);
  }
  if (entry.kind === "run") return entry.message.run === run ? entry : undefined;
  const results = entry.message.results.filter((result) => result.run === run);
  if (results.length === entry.message.results.length) return entry;
  return results.length === 0 ? undefined : { ...entry, message: { ...entry.message, results } };
}
