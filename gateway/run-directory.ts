/**
 * Reads runs, live and finished, with the engine's own fold: a list, where one stands (also as it stood earlier), its
 * events, and its news as they come. It changes nothing.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { ensureTopology, partitionOf, type RunResult, subjects } from "../nats/index.ts";
import { RunEntries, RunLog, SnapshotStore } from "../store/index.ts";
import { descriptionOf, isoTime, standingOf } from "./describe-run.ts";
import { findLiveRuns, foldLiveRuns, type LiveRunsOptions } from "./live-runs.ts";
import { RunFolder } from "./run-folder.ts";
import { listRunPage, type RunPage, type RunQuery } from "./run-pages.ts";
import type { RunDescription, RunStep, RunSummary, StepNode } from "./run-views.ts";
import { logGate, logReadsOn, patientGate } from "./shared-reads.ts";
import { stepSummary } from "./step-summary.ts";

/** An event of a run: by its sequence in the log, or by its place in the run, from 1. */
export type EventRef = { readonly seq: number } | { readonly event: number };

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** Leaves inputs and outputs in the news. Default: without. */
  readonly values?: boolean;
}

/** The last thing that a watcher hears. */
export interface RunEnd {
  readonly kind: "ended";
  readonly run_id: string;
  readonly result: RunResult;
}

/** What is kept of finished runs' ids when one is looked up by its first letters. */
const RECENT_RUNS = 2_000;
const SHORTEST_PREFIX = 6;
const WHOLE_ID = /^r[0-9a-v]{25}$/;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3_000;

export class RunDirectory {
  readonly log: RunLog;
  readonly #nc: NatsConnection;
  readonly #snapshots: SnapshotStore;
  readonly #partitions: number;

  private constructor(nc: NatsConnection, log: RunLog, snapshots: SnapshotStore, partitions: number) {
    this.#nc = nc;
    this.log = log;
    this.#snapshots = snapshots;
    this.#partitions = partitions;
  }

  static async open(nc: NatsConnection): Promise<RunDirectory> {
    const { partitions } = await ensureTopology(nc);
    const [log, snapshots] = await Promise.all([RunLog.open(nc, partitions), SnapshotStore.open(nc)]);
    return new RunDirectory(nc, log, snapshots, partitions);
  }

  /** Live runs first, newest first; then finished ones, the last that ended first. */
  async list(query: RunQuery = {}): Promise<RunSummary[]> {
    return (await this.page(query)).runs;
  }

  /**
   * The same with where the next page begins. `signal`: nobody waits for it any more.
   * @throws ValidationError when the cursor is none of ours, GatewayBusy
   */
  page(query: RunQuery = {}, signal?: AbortSignal): Promise<RunPage> {
    const read = (ending: AbortSignal) => listRunPage({ ...this.#live, signal: ending }, this.log, query);
    return this.#share(`page ${JSON.stringify(query)}`, read, signal);
  }

  /**
   * Where a run stands, or stood after one of its events. `signal`: nobody waits for it any more.
   * @throws RunNotFound, ValidationError when it had not begun by then, GatewayBusy
   */
  describe(id: string, until?: EventRef, signal?: AbortSignal): Promise<RunDescription> {
    const read = (ending: AbortSignal) => this.#describe(id, until, ending);
    return this.#share(`describe ${id} ${JSON.stringify(until)}`, read, signal);
  }

  async #describe(id: string, until: EventRef | undefined, signal: AbortSignal): Promise<RunDescription> {
    const folder = new RunFolder(id, this.#partitionOf(id));
    const lastSeq = until && "seq" in until ? until.seq : Number.POSITIVE_INFINITY;
    const lastEvent = until && "event" in until ? until.event : Number.POSITIVE_INFINITY;
    for await (const entry of new RunEntries(this.log, id, (read) => read(signal)).more()) {
      signal.throwIfAborted();
      if (entry.seq > lastSeq || folder.events >= lastEvent) {
        if (folder.events > 0) break;
        const which =
          until && "event" in until ? "the first event of a run is event 1" : `run ${id} began at ${entry.seq}`;
        throw new RayflowError("ValidationError", `there is nothing to see yet: ${which}`);
      }
      folder.take(entry);
    }
    if (!folder.run) throw notFound(id);
    return descriptionOf(folder, folder.run);
  }

  /** Where a live run stands, by the shortest way; undefined when it is not among the live. @throws GatewayBusy */
  current(id: string): Promise<RunFolder | undefined> {
    return this.#share(`current ${id}`, () => this.#current(id));
  }

  async #current(id: string): Promise<RunFolder | undefined> {
    const partition = this.#partitionOf(id);
    const mark = await this.#snapshots.find(partition, id);
    const folder = new RunFolder(id, partition);
    if (!mark) {
      for await (const entry of this.log.runEntries(id)) folder.take(entry);
      return folder.run && folder;
    }
    const live = { run: id, partition, firstSeq: mark.firstSeq, mark: { ...mark, inFlight: 1 }, head: undefined };
    for await (const found of foldLiveRuns(this.#live, [live])) return found;
    return undefined;
  }

  /** The events of a run so far, oldest first. @throws RunNotFound, GatewayBusy */
  async *events(id: string, options: WatchOptions = {}): AsyncGenerator<RunStep> {
    const folder = new RunFolder(id, this.#partitionOf(id));
    const entries = new RunEntries(this.log, id, logGate(this.#nc, options.signal));
    yield* this.#steps(folder, entries, options.values === true);
    if (!folder.run) throw notFound(id);
  }

  /**
   * The events of a run so far and those to come, until it has ended or the signal aborts.
   * @throws RunNotFound, ConnectionFailed
   */
  async *watch(id: string, options: WatchOptions = {}): AsyncGenerator<RunStep | RunEnd> {
    const { signal, values = false } = options;
    const nc = this.#nc;
    const folder = new RunFolder(id, this.#partitionOf(id));
    const entries = new RunEntries(this.log, id, patientGate(nc, signal));
    // News on the wire may be lost; they only say when it is worth to look at the log.
    let wake: (() => void) | undefined;
    let called = false;
    const call = (): void => {
      called = true;
      wake?.();
    };
    const news = nc.subscribe(subjects.eventsOfRun(id), { callback: call });
    signal?.addEventListener("abort", call);
    void nc.closed().then(call);
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !signal?.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        called = false;
        for await (const step of this.#steps(folder, entries, values)) {
          pauseMs = FIRST_PAUSE_MS;
          yield step;
          if (signal?.aborted) return;
        }
        if (!folder.run) throw notFound(id);
        const result = folder.finished?.result ?? entries.record?.result;
        if (result) return yield { kind: "ended", run_id: id, result };
        if (nc.isClosed()) throw new RayflowError("ConnectionFailed", `the connection closed while run ${id} went on`);
        if (called) continue;
        await new Promise<void>((done) => {
          const timer = setTimeout(done, pauseMs);
          wake = () => {
            clearTimeout(timer);
            done();
          };
        });
        wake = undefined;
      }
    } finally {
      signal?.removeEventListener("abort", call);
      if (!nc.isClosed()) news.unsubscribe();
    }
  }

  /** How a run ended. @throws RunNotFound; undefined when it has not ended */
  async result(id: string): Promise<RunResult | undefined> {
    const result = await this.log.finishedResult(id);
    if (result === undefined && !(await this.isLive(id))) throw notFound(id);
    return result;
  }

  /** Whether a run has begun; whether it has ended is not looked at. @throws GatewayBusy */
  isLive(id: string): Promise<boolean> {
    return this.#share(`live ${id}`, () => this.#isLive(id));
  }

  async #isLive(id: string): Promise<boolean> {
    if ((await this.#snapshots.find(this.#partitionOf(id), id)) !== undefined) return true;
    for await (const entry of this.log.runEntries(id)) {
      return entry.kind === "run" && entry.message.kind === "submitted";
    }
    return false;
  }

  /**
   * The run whose id begins like this, among the live and the recent. `signal`: nobody waits for it any more.
   * @throws RunNotFound, UsageError when there are several or the text is too short, GatewayBusy
   */
  async resolve(text: string, signal?: AbortSignal): Promise<string> {
    if (WHOLE_ID.test(text)) return text;
    if (text.length < SHORTEST_PREFIX || !/^[A-Za-z0-9_-]+$/.test(text)) {
      const why = `a run's id, or at least its first ${SHORTEST_PREFIX} letters, is wanted`;
      throw new RayflowError("UsageError", `${why}, not ${JSON.stringify(text.slice(0, 100))}`);
    }
    const ids = await this.#share("ids", (ending) => this.#recentIds(ending), signal);
    const found = ids.filter((id) => id.startsWith(text));
    if (found.length > 1) {
      throw new RayflowError("UsageError", `several runs begin with ${text}: ${found.slice(0, 5).join(", ")}`);
    }
    if (found[0] === undefined) throw notFound(text);
    return found[0];
  }

  async #recentIds(signal: AbortSignal): Promise<string[]> {
    const [live, finished] = await Promise.all([
      findLiveRuns({ ...this.#live, signal }, 0),
      this.log.listHistory({ limit: RECENT_RUNS }),
    ]);
    return [...new Set([...live, ...finished].map(({ run }) => run))];
  }

  #share<T>(key: string, read: (ending: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return logReadsOn(this.#nc).share(key, read, signal);
  }

  async *#steps(folder: RunFolder, entries: RunEntries, values: boolean): AsyncGenerator<RunStep> {
    for await (const entry of entries.more()) {
      const summary = stepSummary(entry, folder.run);
      const nodes = folder.take(entry);
      yield {
        run_id: folder.id,
        event: folder.events,
        seq: entry.seq,
        time: isoTime(entry.timeMs),
        ...summary,
        status: standingOf(folder),
        nodes: values ? [...nodes] : withoutValues(nodes),
      };
    }
  }

  get #live(): LiveRunsOptions {
    return { nc: this.#nc, partitions: this.#partitions, snapshots: this.#snapshots };
  }

  #partitionOf(run: string): number {
    return partitionOf(run, this.#partitions);
  }
}

/** Pure nodes are nothing but values. */
function withoutValues(nodes: readonly StepNode[]): StepNode[] {
  return nodes.flatMap(({ inputs: _, outputs: __, ...rest }) => (rest.for === undefined ? rest : []));
}

export function notFound(run: string): RayflowError {
  const message = `no run ${run} is in the log or the history; one that was submitted just now may not have been taken yet`;
  return new RayflowError("RunNotFound", message);
}
