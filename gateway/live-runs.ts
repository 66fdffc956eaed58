/**
 * The runs that have not ended, read in batches: each from its snapshot, if it has one, and what the hot log holds
 * beyond that. One pass over a partition serves all runs of a batch.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Flow, NodeType } from "../flow/index.ts";
import { type LogEntry, Run, runSnapshot } from "../orchestrator/index.ts";
import {
  ofRun,
  partitionEntries,
  type RunHead,
  runHeads,
  type SnapshotMark,
  type SnapshotStore,
} from "../store/index.ts";
import { RunFolder } from "./run-folder.ts";

export interface LiveRunsOptions {
  readonly nc: NatsConnection;
  readonly partitions: number;
  readonly snapshots: Pick<SnapshotStore, "find" | "list" | "read">;
  /** Ends the reading: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A run that has not ended, or only just. */
export interface LiveRun {
  readonly run: string;
  readonly partition: number;
  /** Sequence of its submission. */
  readonly firstSeq: number;
  readonly mark: SnapshotMark | undefined;
  /** What the log holds of its own. */
  readonly head: RunHead | undefined;
}

const BATCH = 64;

/** Newest first. `endedAfterMs`: also those that ended after this time, for the history may not have them yet. */
export async function findLiveRuns(options: LiveRunsOptions, endedAfterMs: number): Promise<LiveRun[]> {
  const { nc, partitions, snapshots, signal } = options;
  // The log first: a run that gets its snapshot in between is seen by it.
  const heads = await runHeads(nc, partitions);
  const found = new Map<string, LiveRun>();
  for (const head of heads.values()) {
    const { run, partition, firstSeq } = head;
    if (firstSeq !== undefined) found.set(run, { run, partition, firstSeq, mark: undefined, head });
  }
  for (let partition = 0; partition < partitions; partition++) {
    signal?.throwIfAborted();
    for (const [run, mark] of await snapshots.list(partition)) {
      found.set(run, { run, partition, firstSeq: mark.firstSeq, mark, head: heads.get(run) });
    }
  }
  return [...found.values()]
    .filter(({ head }) => !head?.ended || head.lastMs > endedAfterMs)
    .sort((a, b) => b.firstSeq - a.firstSeq);
}

/** Folds live runs, in the order given. One that is gone by now is left out. */
export async function* foldLiveRuns(options: LiveRunsOptions, runs: readonly LiveRun[]): AsyncGenerator<RunFolder> {
  for (let at = 0; at < runs.length; at += BATCH) yield* await foldBatch(options, runs.slice(at, at + BATCH));
}

interface Folding {
  readonly folder: RunFolder;
  readonly fromSeq: number;
}

async function foldBatch(options: LiveRunsOptions, batch: readonly LiveRun[]): Promise<RunFolder[]> {
  const foldings = await Promise.all(batch.map((run) => begin(options, run)));
  const byPartition = new Map<number, Map<string, Folding>>();
  for (const [at, live] of batch.entries()) {
    const folding = foldings[at];
    if (!folding || isWhole(live)) continue;
    const tails = byPartition.get(live.partition) ?? new Map<string, Folding>();
    byPartition.set(live.partition, tails.set(live.run, folding));
  }
  for (const [partition, tails] of byPartition) await foldTails(options, partition, tails);
  return foldings.flatMap((folding) => (folding?.folder.run ? [folding.folder] : []));
}

/** Whether nothing can lie in the log beyond the snapshot: nothing was in flight, and nothing of its own came since. */
function isWhole({ mark, head }: LiveRun): boolean {
  return mark !== undefined && mark.inFlight === 0 && (head?.lastSeq ?? 0) <= mark.seq;
}

async function begin({ snapshots }: LiveRunsOptions, live: LiveRun): Promise<Folding | undefined> {
  const { run, partition, firstSeq, mark } = live;
  if (!mark) return { folder: new RunFolder(run, partition), fromSeq: firstSeq };
  const stored = await snapshots.read(partition, run).catch(() => undefined);
  const snapshot = runSnapshot.safeParse(stored?.snapshot);
  if (!stored || !snapshot.success) return undefined;
  const { flow, types } = stored.shared as { flow: Flow; types: NodeType[] };
  const resumed = Run.resume(snapshot.data, flow, types);
  return { folder: new RunFolder(run, partition, resumed), fromSeq: snapshot.data.seq + 1 };
}

async function foldTails(
  { nc, partitions, signal }: LiveRunsOptions,
  partition: number,
  tails: ReadonlyMap<string, Folding>,
): Promise<void> {
  const fromSeq = Math.min(...[...tails.values()].map((tail) => tail.fromSeq));
  for await (const entry of partitionEntries(nc, { partition, partitions, fromSeq })) {
    signal?.throwIfAborted();
    for (const run of runsOf(entry)) {
      const tail = tails.get(run);
      const own = tail && entry.seq >= tail.fromSeq ? ofRun(entry, run) : undefined;
      if (own) tail?.folder.take(own);
    }
  }
}

function runsOf(entry: LogEntry): Iterable<string> {
  return entry.kind === "run" ? [entry.message.run] : new Set(entry.message.results.map(({ run }) => run));
}
