/**
 * The runs of one partition, in memory and at rest: what each message of the log does to them, and what they then want
 * done.
 *
 * N1. A run leaves memory when it rests (its snapshot is written) or when its end has been settled.
 * N2. `neededFrom` never passes a message that a recovery would still need.
 * N3. A run that the fold cannot go on with ends in the open, and holds up no other.
 */
import { type ErrorInfo, RayflowError, toErrorInfo } from "../flow/index.ts";
import { failedResult, type RunMessage, type RunResult, type SubmittedMessage, WIRE_VERSION } from "../nats/index.ts";
import { byRun, type Checkpoint, oneByOne, type PartitionEntry, type SnapshotMark } from "../store/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CommandSink } from "./command-sink.ts";
import type { GraphCache } from "./graph-cache.ts";
import { runFields } from "./log-fields.ts";
import type { Logger } from "./logger.ts";
import { oneAfterTheOther } from "./one-after-the-other.ts";
import type { Pace } from "./pace.ts";
import { RestKeeper } from "./rest-keeper.ts";
import type { Command } from "./run/commands.ts";
import { type EndedRun, endedRun, type LogEntry, Run } from "./run/fold.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { type LiveRun, NEVER_WRITTEN, type RunShelf } from "./run-shelf.ts";
import type { RunTracer } from "./run-tracer.ts";

export interface PartitionRunsOptions {
  readonly partition: number;
  readonly pace: Pick<Pace, "observe">;
  readonly sink: CommandSink;
  readonly graphs: GraphCache;
  readonly shelf: RunShelf;
  readonly logger: Logger;
  /** Where the log is folded from; undefined: from its first message. */
  readonly checkpoint: Checkpoint | undefined;
  /** A run without news for this long goes onto the shelf, ms. Default 10 000. */
  readonly restAfterMs?: number;
  /** Default: real time. */
  readonly clock?: Clock;
  /** A run in memory is written down after this many messages. Default 1 000. */
  readonly segmentEntries?: number;
  /** Exports the spans of traced runs. Default: none are. */
  readonly tracer?: RunTracer | undefined;
  /** Default: nothing is counted. */
  readonly metrics?: Pick<RunMetrics, "applied" | "started" | "finished">;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
const REST_AFTER_MS = 10_000;
const SEGMENT_ENTRIES = 1_000;
/** One that never rests holds back the log: it is written down when that has gone on for so many messages and times as long. */
const OVERDUE_MESSAGES = 2_000;
const OVERDUE_RESTS = 3;
/** Of these so many in one round: the oldest. */
const MAX_OVERDUE = 64;

export class PartitionRuns {
  readonly #options: PartitionRunsOptions;
  readonly #runs = new Map<string, LiveRun>();
  /** Runs that the fold could not go on with; their `finished` message is on its way. */
  readonly #broken = new Map<string, EndedRun>();
  /** Ended runs that are being settled, and the first message a recovery would need for them. */
  readonly #settling = new Map<string, number>();
  /** Runs that are being taken off the shelf: once, whoever asks. */
  readonly #awaking = new Map<string, Promise<LiveRun | undefined>>();
  readonly #rest: RestKeeper;
  #lastSeq = 0;
  /** When that was stored, ms since 1970. */
  #lastMs = 0;
  #folded = 0;
  #live = false;
  #stopping = false;

  constructor(options: PartitionRunsOptions) {
    this.#options = options;
    this.#rest = new RestKeeper({ runs: this.#runs, shelf: options.shelf, logger: options.logger });
  }

  /** Whether what the runs want is carried out. Before that, they are only folded. */
  get live(): boolean {
    return this.#live;
  }

  /** Those in memory. */
  get inMemory(): readonly Run[] {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  /** How many are in memory. */
  get size(): number {
    return this.#runs.size;
  }

  /** The message that was folded last; 0: none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Messages that were folded since it began. */
  get folded(): number {
    return this.#folded;
  }

  /** The first message that a recovery would need for what is in memory; undefined: none. */
  get neededFrom(): number | undefined {
    let lowest = this.#options.tracer?.neededFrom ?? Number.POSITIVE_INFINITY;
    for (const { baseSeq } of this.#runs.values()) lowest = Math.min(lowest, baseSeq);
    for (const seq of this.#settling.values()) lowest = Math.min(lowest, seq);
    return lowest === Number.POSITIVE_INFINITY ? undefined : lowest;
  }

  stop(): void {
    this.#stopping = true;
    this.#rest.stop();
  }

  /** Takes up the runs at rest that are wanted, and sends what is outstanding of what was caused after `since`. */
  async resend(since: number, isWanted: (mark: SnapshotMark) => boolean): Promise<void> {
    for (const [id, mark] of [...this.#options.shelf.marks]) if (isWanted(mark)) await this.#awake(id);
    this.#live = true;
    for (const { run } of this.#runs.values()) this.#carryOut(since + 1, run, run.outstanding(since));
  }

  /** Puts onto the shelf what has had no news for a while and wants nothing that was caused after `acked`. */
  async putToRest(acked: number): Promise<void> {
    const restAfterMs = this.#options.restAfterMs ?? REST_AFTER_MS;
    const before = performance.now() - restAfterMs;
    const idle = [...this.#runs.values()].filter(
      (live) => live.touchedAt < before && live.run.details.seq <= acked && !live.run.result,
    );
    await this.#rest.putToRest(idle);
    await this.#rest.writeAllDown(this.#overdue(OVERDUE_RESTS * restAfterMs));
    await this.#options.shelf.sweep().catch((error) => {
      const { logger, partition } = this.#options;
      logger.debug({ partition, err: error }, "the shelf was not swept this time");
    });
  }

  #overdue(ms: number): LiveRun[] {
    const [seq, timeMs] = [this.#lastSeq - OVERDUE_MESSAGES, this.#lastMs - ms];
    const overdue = [...this.#runs.values()].filter(
      ({ journal: [first] }) => first && first.seq < seq && first.timeMs < timeMs,
    );
    return overdue.sort((a, b) => a.baseSeq - b.baseSeq).slice(0, MAX_OVERDUE);
  }

  /** Folds the next message of the log. */
  take(entry: PartitionEntry): Promise<void> | undefined {
    this.#lastSeq = entry.seq;
    this.#lastMs = entry.timeMs;
    this.#folded++;
    if (entry.kind === "result") {
      this.#options.pace.observe(entry.message.type, entry.message.results);
      this.#countedAt(entry.seq)?.applied(entry.message.type, entry.message.results);
      return oneAfterTheOther(byRun(entry), ([id, own]) => this.#apply(id, own));
    }
    if (entry.kind === "ends") return oneAfterTheOther(oneByOne(entry), (end) => this.#applyOwn(end));
    return this.#applyOwn(entry);
  }

  /** A message of one run's own. */
  #applyOwn(entry: Extract<LogEntry, { kind: "run" }>): Promise<void> | undefined {
    const { message } = entry;
    if (message.kind === "finished") return this.#finished(message.run, message.result, entry);
    if (message.kind !== "submitted") return this.#apply(message.run, entry);
    this.#submit(message, entry);
    return undefined;
  }

  /** Who counts what this message brings: nobody, if somebody has before. */
  #countedAt(seq: number): PartitionRunsOptions["metrics"] {
    return seq > (this.#options.checkpoint?.emitted_through ?? 0) ? this.#options.metrics : undefined;
  }

  #submit(message: SubmittedMessage, entry: LogEntry): void {
    if (this.#runs.has(message.run) || this.#options.shelf.marks.has(message.run)) return;
    const at = { partition: this.#options.partition, seq: entry.seq, timeMs: entry.timeMs };
    try {
      const blueprint = this.#options.graphs.get(message);
      const run = new Run(message, at, blueprint.graph);
      const live: LiveRun = {
        run,
        blueprint,
        journal: [entry],
        baseSeq: entry.seq,
        touchedAt: performance.now(),
        storing: undefined,
        revision: NEVER_WRITTEN,
      };
      this.#runs.set(run.id, live);
      if (this.#options.tracer) run.noteSpans(true);
      this.#carryOut(entry.seq, run, run.begin());
      if (this.#options.tracer && run.result) this.#traceEnd(live, entry.seq);
      this.#countedAt(entry.seq)?.started(blueprint.graph.name);
    } catch (error) {
      this.#giveUp(endedRun(message), entry.seq, toErrorInfo(error, "GraphBuildError"));
    }
  }

  /** Gives a promise when the run has to be taken off the shelf first. */
  #apply(id: string, entry: LogEntry): Promise<void> | undefined {
    const live = this.#runs.get(id);
    if (live) {
      this.#step(live, entry);
      return undefined;
    }
    if (!this.#options.shelf.marks.has(id)) return undefined;
    return this.#awakeFor(id, entry.seq).then((awake) => awake && this.#step(awake, entry));
  }

  #step(live: LiveRun, entry: LogEntry): void {
    try {
      live.journal.push(entry);
      live.touchedAt = performance.now();
      live.run.heard = this.#live && this.#options.sink.isHeard(live.run.id);
      this.#carryOut(entry.seq, live.run, live.run.apply(entry));
      if (this.#options.tracer && live.run.result) this.#traceEnd(live, entry.seq);
    } catch (error) {
      const info = toErrorInfo(error, "GraphBuildError");
      live.run.breakOff(info);
      this.#traceEnd(live, entry.seq);
      this.#giveUp(live.run.ended, entry.seq, info);
    }
    if (live.journal.length >= (this.#options.segmentEntries ?? SEGMENT_ENTRIES) && !live.run.result) {
      void this.#rest.writeDown(live);
    }
  }

  #finished(id: string, result: RunResult, entry: LogEntry): Promise<void> | undefined {
    const live = this.#runs.get(id);
    if (!live && this.#options.shelf.marks.has(id)) {
      return this.#awakeFor(id, entry.seq).then((awake) => this.#end(id, awake, result, entry));
    }
    this.#end(id, live, result, entry);
    return undefined;
  }

  #end(id: string, live: LiveRun | undefined, result: RunResult, entry: LogEntry): void {
    const { sink, checkpoint } = this.#options;
    const ended = this.#broken.get(id) ?? live?.run.ended;
    if (!ended) return;
    this.#runs.delete(id);
    this.#broken.delete(id);
    if (entry.seq <= (checkpoint?.emitted_through ?? 0)) return;
    this.#options.metrics?.finished(live?.blueprint.graph.name ?? "unknown", result);
    this.#settling.set(id, live?.baseSeq ?? entry.seq);
    live?.journal.push(entry);
    sink.settle(
      entry.seq,
      { ended, result, live, endedAt: entry.timeMs, forget: () => (live ? this.#forget(live) : undefined) },
      () => {
        this.#settling.delete(id);
      },
    );
  }

  #traceEnd({ run, blueprint, baseSeq }: LiveRun, seq: number): void {
    this.#options.tracer?.ended(run, blueprint.flow.version, baseSeq, seq);
  }

  /** Lets go of a run's snapshot; not before its spans are out, which a recovery makes from it. */
  async #forget(live: LiveRun): Promise<void> {
    if (live.revision !== NEVER_WRITTEN) await this.#options.tracer?.sent(live.run.id);
    await this.#options.shelf.delete(live);
  }

  /** The run of a message, if it rests and the message is news to it. */
  async #awakeFor(id: string, seq: number): Promise<LiveRun | undefined> {
    const mark = this.#options.shelf.marks.get(id);
    return mark && seq > mark.seq ? this.#awake(id) : undefined;
  }

  /** Takes a run off the shelf, however long the store is away: a message passed over would be lost for it. */
  #awake(id: string): Promise<LiveRun | undefined> {
    const awaking = this.#awaking.get(id) ?? this.#takeUp(id).finally(() => this.#awaking.delete(id));
    this.#awaking.set(id, awaking);
    return awaking;
  }

  async #takeUp(id: string): Promise<LiveRun | undefined> {
    const { shelf, logger, clock = systemClock } = this.#options;
    for (let waitMs = FIRST_RETRY_MS; !this.#stopping; waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS)) {
      try {
        const live = await shelf.take(id);
        live?.run.noteSpans(this.#options.tracer !== undefined);
        if (live) this.#runs.set(id, live);
        return live;
      } catch (error) {
        if (error instanceof RayflowError && !error.retryable) {
          this.#giveUp({ id, reply: undefined, hasVariables: false, parent: undefined }, this.#lastSeq, error.toInfo());
          shelf.drop(id);
          return undefined;
        }
        logger.warn({ run_id: id, err: error }, "a resting run cannot be read; trying again");
        await clock.sleep(waitMs);
      }
    }
    throw new RayflowError("ConnectionFailed", `stopped before ${id} could be taken up`);
  }

  #carryOut(seq: number, run: Run, commands: readonly Command[]): void {
    if (this.#live && commands.length > 0) this.#options.sink.carryOut(seq, run, commands);
  }

  /** A run that the fold cannot go on with is a bug; it ends in the open and holds up nobody. */
  #giveUp(run: EndedRun, seq: number, error: ErrorInfo): void {
    const { id } = run;
    this.#runs.delete(id);
    this.#broken.set(id, run);
    this.#options.logger.error({ ...runFields(id, run.traceparent), seq, error }, "the run cannot go on");
    const result = failedResult(id, error);
    const message: RunMessage = { v: WIRE_VERSION, kind: "finished", run: id, result };
    this.#options.sink.append(seq, message, `${id}:finished`);
  }
}
