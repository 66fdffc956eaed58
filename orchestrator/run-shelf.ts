/**
 * The shelf: where runs rest that have nothing to do now, and where long ones leave off, so that neither memory nor the
 * log has to hold them. One for each partition.
 *
 * H1. Of a run on the shelf only its mark is in memory: an id and three numbers.
 * H2. A snapshot stands for every message of its run up to its sequence; those are in the history by then.
 * H3. A run that has ended never comes off the shelf, also when one who had lost the partition put it there too late.
 */
import { RayflowError } from "../flow/index.ts";
import type { RunHistory, SnapshotMark, SnapshotStore, StoredSnapshot } from "../store/index.ts";
import type { Blueprint, GraphCache } from "./graph-cache.ts";
import { type LogEntry, Run } from "./run/fold.ts";
import { runSnapshot } from "./run/snapshot.ts";

/** A run in memory, with what is needed to put it down again. */
export interface LiveRun {
  readonly run: Run;
  readonly blueprint: Blueprint;
  /** Its messages since the last segment, oldest first. */
  journal: LogEntry[];
  /** The first message of the log that a recovery would need for it. */
  baseSeq: number;
  /** When its last message came, ms by the monotonic clock. */
  touchedAt: number;
  /** Resolves when the snapshot that is being written now is there, or has failed; undefined: none is. */
  storing: Promise<void> | undefined;
  /** Of its stored snapshot; 0: none that is known of. */
  revision: number;
}

/** How many marks one sweep looks at. */
const SWEPT_AT_ONCE = 200;

/** The revision of a run that nobody has tried to write down. */
export const NEVER_WRITTEN = -1;

export interface RunShelfOptions {
  readonly partition: number;
  readonly snapshots: Pick<SnapshotStore, "list" | "find" | "read" | "write" | "delete">;
  readonly history: Pick<RunHistory, "writeSegment" | "endSeq">;
  readonly graphs: GraphCache;
  /** Ends before this sequence of the log have been settled: a snapshot of such a run is a leftover. Default: none. */
  readonly replayFrom?: number | undefined;
  /** Exports the spans of what has ended in a run, before a snapshot leaves that out. Default: nothing. */
  readonly sendSpans?: (live: LiveRun) => Promise<void> | undefined;
}

export class RunShelf {
  readonly #options: RunShelfOptions;
  readonly #marks = new Map<string, SnapshotMark>();
  /** Of these, the ones that somebody else has written. */
  readonly #found = new Set<string>();

  constructor(options: RunShelfOptions) {
    this.#options = options;
  }

  /** Learns which runs of the partition have a snapshot. */
  async open(): Promise<void> {
    const found = await this.#options.snapshots.list(this.#options.partition);
    for (const [run, mark] of found) {
      this.#marks.set(run, mark);
      this.#found.add(run);
    }
  }

  get size(): number {
    return this.#marks.size;
  }

  /** The runs that rest. */
  get marks(): ReadonlyMap<string, SnapshotMark> {
    return this.#marks;
  }

  /**
   * Takes a run off the shelf.
   * @throws MalformedMessage when its snapshot cannot be read
   */
  async take(id: string): Promise<LiveRun | undefined> {
    const mark = this.#marks.get(id);
    if (!mark) return undefined;
    if (await this.#isLeftover(id)) {
      await this.#options.snapshots.delete(this.#options.partition, id);
      this.#marks.delete(id);
      return undefined;
    }
    const stored = await this.#options.snapshots.read(this.#options.partition, id);
    if (!stored) {
      this.#marks.delete(id);
      return undefined;
    }
    const read = runSnapshot.safeParse(stored.snapshot);
    if (!read.success) throw new RayflowError("MalformedMessage", `the snapshot of ${id} is not of this version`);
    const snapshot = read.data;
    this.#marks.delete(id);
    const blueprint = this.#options.graphs.get(stored.shared as Pick<Blueprint, "flow" | "types">);
    return {
      run: Run.resume(snapshot, blueprint.flow, blueprint.types, blueprint.graph),
      blueprint,
      journal: [],
      baseSeq: mark.seq + 1,
      touchedAt: performance.now(),
      storing: undefined,
      revision: mark.revision,
    };
  }

  /** Only what was found at the opening can be one. */
  async #isLeftover(id: string): Promise<boolean> {
    const { history, replayFrom = 0 } = this.#options;
    if (!this.#found.has(id)) return false;
    const end = await history.endSeq(id);
    return end !== undefined && end < replayFrom;
  }

  /** Looks at some of the marks that were found and removes those of runs that have ended. To be called every few seconds. */
  async sweep(): Promise<void> {
    for (const id of [...this.#found].slice(0, SWEPT_AT_ONCE)) {
      const leftover = await this.#isLeftover(id);
      // Taken up, or ended, while it was asked for.
      if (!this.#found.delete(id) || !leftover || !this.#marks.delete(id)) continue;
      await this.#options.snapshots.delete(this.#options.partition, id);
    }
  }

  /**
   * Writes down where a run stands. It stays in memory; its journal is cut to what came meanwhile.
   * @throws StoreConflict when the partition has another owner by now
   */
  async write(live: LiveRun): Promise<void> {
    const writing = this.#write(live);
    live.storing = writing.catch(() => {});
    try {
      await writing;
    } finally {
      live.storing = undefined;
    }
  }

  async #write(live: LiveRun): Promise<void> {
    const { history, sendSpans } = this.#options;
    const { run, blueprint } = live;
    const sent = sendSpans?.(live);
    if (sent) await sent;
    const entries = live.journal.slice();
    const { seq } = run.details;
    // Values are shared with the run, which goes on while this is written: so the text is made now.
    const snapshot: unknown = JSON.parse(JSON.stringify(run.snapshot()));
    const inFlight = run.details.inFlight.size;
    await history.writeSegment(blueprint.graph.name, run.id, entries);
    const shared = { flow: blueprint.flow, types: blueprint.types };
    const mark = { seq, firstSeq: run.firstSeq, inFlight };
    live.revision = Math.max(live.revision, 0);
    live.revision = await this.#replace(live, { snapshot, shared }, mark);
    live.journal = live.journal.slice(entries.length);
    live.baseSeq = seq + 1;
  }

  async #replace(live: LiveRun, stored: StoredSnapshot, mark: Omit<SnapshotMark, "revision">): Promise<number> {
    const { snapshots, partition } = this.#options;
    const { id } = live.run;
    try {
      return await snapshots.write(partition, id, stored, mark, live.revision);
    } catch (error) {
      if (!(error instanceof RayflowError) || error.code !== "StoreConflict") throw error;
      // An orchestrator that has lost the partition may have left one behind; only an older one is replaced.
      const found = await snapshots.find(partition, id);
      if ((found?.seq ?? 0) > mark.seq) throw error;
      return snapshots.write(partition, id, stored, mark, found?.revision ?? 0);
    }
  }

  /** Forgets a run that cannot be taken up. Its snapshot stays, for whoever looks into it. */
  drop(id: string): void {
    this.#marks.delete(id);
  }

  /** A run whose snapshot is up to date leaves memory. */
  put(live: LiveRun): void {
    const { run, revision } = live;
    const { seq, inFlight } = run.details;
    this.#marks.set(run.id, { seq, firstSeq: run.firstSeq, inFlight: inFlight.size, revision });
    this.#found.delete(run.id);
  }

  /** The run has ended. */
  async delete(live: LiveRun): Promise<void> {
    // One that is on its way, or whose ack was lost, would outlive the run: its revision is not known.
    await live.storing;
    if (live.revision !== NEVER_WRITTEN) await this.#options.snapshots.delete(this.#options.partition, live.run.id);
  }
}
