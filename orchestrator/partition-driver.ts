/**
 * Drives the runs of one partition: reads its log in order, folds each message into the run it belongs to, has the
 * commands that come out carried out.
 *
 * D1. Until it has read what was in the log when it started, it only folds; then it sends what is still outstanding.
 * D2. A run leaves memory when it rests (its snapshot is written) or when its end has been settled.
 * D3. `replayFrom` never passes a message that a recovery would still need.
 * D4. Whatever a message holds, the loop goes on with the next one.
 */
import { type ErrorInfo, RayflowError, toErrorInfo } from "../flow/index.ts";
import { failedResult, type RunMessage, type RunResult, type SubmittedMessage, WIRE_VERSION } from "../nats/index.ts";
import { byRun, type Checkpoint, type LogReader, type RunLog, type SnapshotMark } from "../store/index.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CommandSink } from "./command-sink.ts";
import type { Emitter } from "./emitter.ts";
import type { GraphCache } from "./graph-cache.ts";
import { runFields } from "./log-fields.ts";
import type { Logger } from "./logger.ts";
import type { Pace } from "./pace.ts";
import { RestKeeper } from "./rest-keeper.ts";
import type { Command } from "./run/commands.ts";
import { type EndedRun, endedRun, type LogEntry, Run } from "./run/fold.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { type LiveRun, NEVER_WRITTEN, type RunShelf } from "./run-shelf.ts";
import type { RunTracer } from "./run-tracer.ts";

export interface PartitionDriverOptions {
  readonly partition: number;
  readonly log: Pick<RunLog, "openPartition">;
  readonly emitter: Emitter;
  readonly pace: Pick<Pace, "observe">;
  readonly sink: CommandSink;
  readonly graphs: GraphCache;
  readonly shelf: RunShelf;
  readonly logger: Logger;
  /** Where to begin; undefined: at the first message of the log. */
  readonly checkpoint: Checkpoint | undefined;
  /** Whether the queue that `checkpoint.emitted_through` speaks of is gone. */
  readonly queueLost: boolean;
  /** A run without news for this long goes onto the shelf, ms. Default 10 000. */
  readonly restAfterMs?: number;
  /** Whether the lease is held by this moment. Default: always. */
  readonly isHeld?: () => boolean;
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
const HELD_POLL_MS = 20;
const LONGEST_RETRY_MS = 5_000;
const REST_AFTER_MS = 10_000;
const SEGMENT_ENTRIES = 1_000;

export class PartitionDriver {
  readonly partition: number;
  readonly #options: PartitionDriverOptions;
  readonly #runs = new Map<string, LiveRun>();
  /** Runs that the fold could not go on with; their `finished` message is on its way. */
  readonly #broken = new Map<string, EndedRun>();
  /** Ended runs that are being settled, and the first message a recovery would need for them. */
  readonly #settling = new Map<string, number>();
  #reader: LogReader | undefined;
  #loop: Promise<void> | undefined;
  #live = false;
  #goingLive = false;
  #stopping = false;
  /** An entry is being worked on. */
  #taking = false;
  #lastSeq = 0;
  /** Messages that were folded since it began. */
  #folded = 0;
  #queueLost: boolean;
  /** Runs that are being taken off the shelf: once, whoever asks. */
  readonly #awaking = new Map<string, Promise<LiveRun | undefined>>();
  readonly #liveWaiters: (() => void)[] = [];
  readonly #rest: RestKeeper;

  constructor(options: PartitionDriverOptions) {
    this.partition = options.partition;
    this.#options = options;
    this.#queueLost = options.queueLost;
    this.#rest = new RestKeeper({ runs: this.#runs, shelf: options.shelf, logger: options.logger });
  }

  /** Runs in memory. */
  get runs(): Iterable<Run> {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  /** Runs that have not ended, in memory and at rest. */
  get activeRuns(): number {
    return this.#runs.size + this.#options.shelf.size;
  }

  get runsInMemory(): number {
    return this.#runs.size;
  }

  get folded(): number {
    return this.#folded;
  }

  /** Up to here it has folded the log; what holds no entry counts as folded. */
  get foldedThrough(): number {
    const read = (this.#reader?.nextSeq ?? this.#options.checkpoint?.replay_from ?? 1) - 1;
    return this.#taking ? Math.min(read, this.#lastSeq - 1) : Math.max(read, this.#lastSeq);
  }

  /** Whether it has caught up and carries out what comes. */
  get live(): boolean {
    return this.#live;
  }

  get emitter(): Emitter {
    return this.#options.emitter;
  }

  /** Before this sequence no message is needed any more. */
  get replayFrom(): number {
    let lowest = this.#options.emitter.emittedThrough + 1;
    for (const { baseSeq } of this.#runs.values()) lowest = Math.min(lowest, baseSeq);
    for (const seq of this.#settling.values()) lowest = Math.min(lowest, seq);
    return Math.min(lowest, this.#options.tracer?.neededFrom ?? lowest);
  }

  /** The spans of all runs that ended before this message are exported; undefined: nobody exports any. */
  get tracedBefore(): number | undefined {
    const { tracer } = this.#options;
    return tracer && Math.min(tracer.exportedBefore, this.#lastSeq + 1);
  }

  start(): void {
    this.#loop = this.#readOn();
  }

  /** Resolves once it has caught up with the log as it was at the start. */
  untilLive(): Promise<void> {
    return this.#live ? Promise.resolve() : new Promise((done) => this.#liveWaiters.push(done));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#rest.stop();
    await this.#reader?.stop();
    await this.#loop;
  }

  /** The dispatch queue is gone: sends again what is in flight, of runs at rest too. */
  async resendInFlight(): Promise<void> {
    this.#queueLost = true;
    if (this.#live) await this.#resend(0, ({ inFlight }) => inFlight > 0);
  }

  /**
   * Sends what is outstanding of what was caused after `since`. Until all of it is on its way, no checkpoint may take
   * a message after `since` for carried out.
   */
  async #resend(since: number, isWanted: (mark: SnapshotMark) => boolean): Promise<void> {
    const release = this.emitter.hold(since + 1);
    for (const [id, mark] of [...this.#options.shelf.marks]) if (isWanted(mark)) await this.#awake(id);
    this.#live = true;
    for (const { run } of this.#runs.values()) this.#carryOut(since + 1, run, run.outstanding(since));
    release();
  }

  /** Puts runs onto the shelf that have had no news for a while. To be called every few seconds. */
  async putToRest(): Promise<void> {
    if (!this.#live) return;
    const before = performance.now() - (this.#options.restAfterMs ?? REST_AFTER_MS);
    const acked = this.emitter.emittedThrough;
    const idle = [...this.#runs.values()].filter(
      (live) => live.touchedAt < before && live.run.details.seq <= acked && !live.run.result,
    );
    await this.#rest.putToRest(idle);
    await this.#options.shelf.sweep().catch((error) => {
      this.#options.logger.debug({ partition: this.partition, err: error }, "the shelf was not swept this time");
    });
  }

  /** Nothing of this partition lies in the log up to `seq` that was not taken in: an idle partition holds back no trim. */
  async passIdle(seq: number): Promise<void> {
    if (!this.#live || !(await this.#reader?.isDrained())) return;
    // Drained is what the reader has handed out; the last entry may still be worked on.
    if (!this.#taking) this.emitter.passed(seq);
  }

  /** Reads until it is stopped; what breaks off is begun again. */
  async #readOn(): Promise<void> {
    const { logger, clock = systemClock } = this.#options;
    for (let waitMs = FIRST_RETRY_MS; !this.#stopping; waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS)) {
      try {
        await this.#read();
      } catch (error) {
        logger.warn({ partition: this.partition, err: error }, "the partition cannot be read; trying again");
      }
      if (!this.#stopping) await clock.sleep(waitMs);
    }
  }

  async #read(): Promise<void> {
    const { log, checkpoint, shelf, logger } = this.#options;
    await shelf.open();
    const reader = await log.openPartition(this.partition, Math.max(checkpoint?.replay_from ?? 1, this.#lastSeq + 1));
    this.#reader = reader;
    if (this.#stopping) return reader.stop();
    void reader.untilCaughtUp
      .then(() => this.#goLive())
      .catch((error) => logger.debug({ partition: this.partition, err: error }, "stopped before it was live"));
    for await (const entry of reader) {
      await this.#untilHeld();
      if (this.#stopping) return;
      this.#taking = true;
      try {
        await this.#take(entry);
      } catch (error) {
        // The entry is not passed: whoever comes next reads it again.
        if (this.#stopping) return;
        logger.error({ partition: this.partition, seq: entry.seq, err: error }, "a message of the log was passed over");
      }
      this.#taking = false;
      if (reader.caughtUp) await this.#goLive();
    }
  }

  /**
   * A process that was stopped for longer than its lease may find that the log was read on and trimmed without it: it
   * must not fold on over the gap before it knows that the partition is still its own.
   */
  async #untilHeld(): Promise<void> {
    const { isHeld = () => true, clock = systemClock } = this.#options;
    while (!isHeld() && !this.#stopping) await clock.sleep(HELD_POLL_MS);
  }

  async #goLive(): Promise<void> {
    if (this.#goingLive || this.#stopping) return;
    this.#goingLive = true;
    const since = this.#queueLost ? 0 : (this.#options.checkpoint?.emitted_through ?? 0);
    // What a snapshot's last messages asked for may not have been sent before the crash.
    await this.#resend(since, ({ seq, inFlight }) => seq > since && (inFlight > 0 || !this.#queueLost));
    for (const done of this.#liveWaiters.splice(0)) done();
  }

  async #take(entry: LogEntry): Promise<void> {
    this.#lastSeq = entry.seq;
    this.#folded++;
    if (entry.kind === "result") {
      this.#options.pace.observe(entry.message.type, entry.message.results);
      this.#countedAt(entry.seq)?.applied(entry.message.type, entry.message.results);
      for (const [id, own] of byRun(entry)) {
        // Runs in memory go on at once: a wait for nothing would cost more than the step.
        const awaking = this.#apply(id, own);
        if (awaking) await awaking;
      }
    } else if (entry.message.kind === "submitted") this.#submit(entry.message, entry);
    else if (entry.message.kind === "finished") await this.#finished(entry.message.run, entry.message.result, entry);
    else await this.#apply(entry.message.run, entry);
    this.#options.emitter.passed(entry.seq);
  }

  /** Who counts what this message brings: nobody, if somebody has before. */
  #countedAt(seq: number): PartitionDriverOptions["metrics"] {
    return seq > (this.#options.checkpoint?.emitted_through ?? 0) ? this.#options.metrics : undefined;
  }

  #submit(message: SubmittedMessage, entry: LogEntry): void {
    if (this.#runs.has(message.run) || this.#options.shelf.marks.has(message.run)) return;
    const at = { partition: this.partition, seq: entry.seq, timeMs: entry.timeMs };
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

  async #finished(id: string, result: RunResult, entry: LogEntry): Promise<void> {
    const { sink, checkpoint } = this.#options;
    const live = this.#runs.get(id) ?? (await this.#awakeFor(id, entry.seq));
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
