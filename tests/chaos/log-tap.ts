/** What the campaign sees of the log as it is written: the ends of runs, and results to deliver once more. */
import { createHash } from "node:crypto";
import type { ResultMessage, RunResult } from "../../nats/index.ts";
import type { LogReader, RunLog } from "../../store/index.ts";

export interface LogTap {
  /** By run: what its `finished` messages said, and how often. */
  readonly ends: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Messages seen. */
  readonly seen: number;
  /** Some of the last results, with the partition they went to. */
  readonly results: readonly { readonly partition: number; readonly message: ResultMessage }[];
  stop(): Promise<void>;
}

const KEPT_RESULTS = 2_000;

export async function tapLog(
  log: RunLog,
  partitions: number,
  onFinished: (run: string, partition: number, result: RunResult) => void,
): Promise<LogTap> {
  const ends = new Map<string, Map<string, number>>();
  const results: { partition: number; message: ResultMessage }[] = [];
  let seen = 0;
  const readers: LogReader[] = [];
  const loops: Promise<void>[] = [];
  const read = async (partition: number, reader: LogReader): Promise<void> => {
    for await (const entry of reader) {
      seen++;
      if (entry.kind === "result") {
        if (results.length < KEPT_RESULTS) results.push({ partition, message: entry.message });
        else results[seen % KEPT_RESULTS] = { partition, message: entry.message };
      } else if (entry.message.kind === "finished") {
        const { run, result } = entry.message;
        const ofRun = ends.get(run) ?? new Map<string, number>();
        ends.set(run, ofRun);
        const content = fingerprint(result);
        ofRun.set(content, (ofRun.get(content) ?? 0) + 1);
        onFinished(run, partition, result);
      }
    }
  };
  for (let partition = 0; partition < partitions; partition++) {
    const reader = await log.openPartition(partition);
    readers.push(reader);
    loops.push(read(partition, reader));
  }
  return {
    ends,
    results,
    get seen() {
      return seen;
    },
    stop: async () => {
      await Promise.all(readers.map((reader) => reader.stop()));
      await Promise.allSettled(loops);
    },
  };
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
