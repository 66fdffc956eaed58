/** What the campaign sees of the log as it is written: the ends of runs, and results to deliver once more. */
import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import type { ResultMessage, RunResult } from "../../nats/index.ts";
import type { LogReader, PartitionEntry, RunLog } from "../../store/index.ts";

export interface LogTap {
  /** By run: the `finished` messages in the log, by content. */
  readonly ends: ReadonlyMap<string, ReadonlyMap<string, SeenEnd>>;
  /** Messages seen. */
  readonly seen: number;
  /** Some of the last results, with the partition they went to. */
  readonly results: readonly { readonly partition: number; readonly message: ResultMessage }[];
  /** Hears of every message of results. */
  onResults: ((partition: number, message: ResultMessage) => void) | undefined;
  stop(): Promise<void>;
}

/** `finished` messages of one content. */
export interface SeenEnd {
  readonly result: RunResult;
  readonly seqs: number[];
}

const KEPT_RESULTS = 2_000;

export async function tapLog(
  log: RunLog,
  partitions: number,
  onFinished: (run: string) => void,
  /** A copy of all that is seen, as lines of JSON. Default: none. */
  copy?: Writable,
): Promise<LogTap> {
  const ends = new Map<string, Map<string, SeenEnd>>();
  const results: { partition: number; message: ResultMessage }[] = [];
  let seen = 0;
  const readers: LogReader[] = [];
  const loops: Promise<void>[] = [];
  const ended = (result: RunResult, seq: number): void => {
    const { run_id: run } = result;
    const ofRun = ends.get(run) ?? new Map<string, SeenEnd>();
    ends.set(run, ofRun);
    const content = fingerprint(result);
    const known = ofRun.get(content);
    if (known) known.seqs.push(seq);
    else ofRun.set(content, { result, seqs: [seq] });
    onFinished(run);
  };
  const read = async (partition: number, reader: LogReader): Promise<void> => {
    for await (const entry of reader) {
      seen++;
      copy?.write(`${JSON.stringify(withoutFlow(entry))}\n`);
      if (entry.kind === "ends") for (const result of entry.results) ended(result, entry.seq);
      else if (entry.kind === "result") {
        tap.onResults?.(partition, entry.message);
        if (results.length < KEPT_RESULTS) results.push({ partition, message: entry.message });
        else results[seen % KEPT_RESULTS] = { partition, message: entry.message };
      } else if (entry.message.kind === "finished") {
        ended(entry.message.result, entry.seq);
      }
    }
  };
  const tap: LogTap = {
    ends,
    results,
    get seen() {
      return seen;
    },
    onResults: undefined,
    stop: async () => {
      await Promise.all(readers.map((reader) => reader.stop()));
      await Promise.allSettled(loops);
    },
  };
  for (let partition = 0; partition < partitions; partition++) {
    const reader = await log.openPartition(partition);
    readers.push(reader);
    loops.push(read(partition, reader));
  }
  return tap;
}

function withoutFlow(entry: PartitionEntry): unknown {
  if (entry.kind !== "run" || entry.message.kind !== "submitted") return entry;
  return { ...entry, message: { ...entry.message, flow: undefined, types: undefined } };
}

/** Two results of the same content have the same one. */
export function fingerprint(result: RunResult): string {
  return createHash("sha1").update(canonical(result)).digest("base64");
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
}
