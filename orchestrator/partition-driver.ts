/**
 * Drives the runs of one partition: reads its log in order, folds each message into the run it belongs to, has the
 * commands that come out carried out.
 *
 * D1. Until it has read what was in the log when it started, it only folds; then it sends what is still outstanding.
 * D2. A run leaves memory once its `finished` message has been read and what follows from that is done.
 * D3. Whatever a message holds, the loop goes on with the next one.
 */
import { type ErrorInfo, toErrorInfo } from "../flow/index.ts";
import { type RunMessage, type RunResult, type SubmittedMessage, WIRE_VERSION } from "../nats/index.ts";
import type { Checkpoint, LogReader, RunLog } from "../store/index.ts";
import type { CommandSink } from "./command-sink.ts";
import type { Emitter } from "./emitter.ts";
import type { GraphCache } from "./graph-cache.ts";
import type { Logger } from "./logger.ts";
import type { Command } from "./run/commands.ts";
import { type EndedRun, endedRun, type LogEntry, Run } from "./run/fold.ts";

export interface PartitionDriverOptions {
  readonly partition: number;
  readonly log: RunLog;
  readonly emitter: Emitter;
  readonly sink: CommandSink;
  readonly graphs: GraphCache;
  readonly logger: Logger;
  /** Where to begin; undefined: at the first message of the log. */
  readonly checkpoint: Checkpoint | undefined;
  /** Whether the queue that `checkpoint.emitted_through` speaks of is gone. */
  readonly queueLost: boolean;
}

export class PartitionDriver {
  readonly partition: number;
  readonly #options: PartitionDriverOptions;
  /** Runs that have not ended, oldest first. */
  readonly #runs = new Map<string, Run>();
  /** Runs that the fold could not go on with; their `finished` message is on its way. */
  readonly #broken = new Map<string, EndedRun>();
  #reader: LogReader | undefined;
  #loop: Promise<void> | undefined;
  #live = false;
  #stopping = false;
  #lastSeq = 0;
  readonly #liveWaiters: (() => void)[] = [];

  constructor(options: PartitionDriverOptions) {
    this.partition = options.partition;
    this.#options = options;
  }

  get runs(): ReadonlyMap<string, Run> {
    return this.#runs;
  }

  /** Whether it has caught up and carries out what comes. */
  get live(): boolean {
    return this.#live;
  }

  /** Before this sequence every run of the partition has ended. */
  get replayFrom(): number {
    const oldest = this.#runs.values().next();
    return oldest.done ? this.#options.emitter.emittedThrough + 1 : oldest.value.firstSeq;
  }

  get emitter(): Emitter {
    return this.#options.emitter;
  }

  start(): void {
    this.#loop = this.#read();
  }

  /** Resolves once it has caught up with the log as it was at the start. */
  untilLive(): Promise<void> {
    return this.#live ? Promise.resolve() : new Promise((done) => this.#liveWaiters.push(done));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#reader?.stop();
    await this.#loop;
  }

  /** The dispatch queue is gone: sends again what is in flight. */
  resendInFlight(): void {
    if (!this.#live) return;
    for (const run of this.#runs.values()) this.#carryOut(this.#lastSeq, run, run.outstanding(0));
  }

  async #read(): Promise<void> {
    const { log, checkpoint } = this.#options;
    const reader = await log.openPartition(this.partition, checkpoint?.replay_from ?? 1);
    this.#reader = reader;
    if (this.#stopping) return reader.stop();
    void reader.untilCaughtUp.then(() => this.#goLive());
    for await (const entry of reader) {
      this.#take(entry);
      if (reader.caughtUp) this.#goLive();
    }
  }

  #goLive(): void {
    if (this.#live || this.#stopping) return;
    this.#live = true;
    const { checkpoint, queueLost } = this.#options;
    const since = checkpoint?.emitted_through ?? 0;
    for (const run of this.#runs.values()) {
      this.#carryOut(this.#lastSeq, run, run.outstanding(queueLost ? 0 : since));
    }
    for (const done of this.#liveWaiters.splice(0)) done();
  }

  #take(entry: LogEntry): void {
    this.#lastSeq = entry.seq;
    if (entry.kind === "result") {
      for (const id of new Set(entry.message.results.map((result) => result.run))) this.#apply(id, entry);
    } else if (entry.message.kind === "submitted") this.#submit(entry.message, entry);
    else if (entry.message.kind === "finished") this.#finished(entry.message.run, entry.message.result, entry);
    else this.#apply(entry.message.run, entry);
    this.#options.emitter.passed(entry.seq);
  }

  #submit(message: SubmittedMessage, entry: LogEntry): void {
    if (this.#runs.has(message.run)) return;
    const at = { partition: this.partition, seq: entry.seq, timeMs: entry.timeMs };
    try {
      const run = new Run(message, at, this.#options.graphs.get(message));
      this.#runs.set(run.id, run);
      this.#carryOut(entry.seq, run, run.begin());
    } catch (error) {
      this.#giveUp(endedRun(message), entry.seq, toErrorInfo(error, "GraphBuildError"));
    }
  }

  #apply(id: string, entry: LogEntry): void {
    const run = this.#runs.get(id);
    if (!run) return;
    try {
      this.#carryOut(entry.seq, run, run.apply(entry));
    } catch (error) {
      this.#giveUp(run.ended, entry.seq, toErrorInfo(error, "GraphBuildError"));
    }
  }

  #finished(id: string, result: RunResult, entry: LogEntry): void {
    const run = this.#broken.get(id) ?? this.#runs.get(id)?.ended;
    if (!run) return;
    const since = this.#options.checkpoint?.emitted_through ?? 0;
    if (entry.seq > since) this.#options.sink.finished(entry.seq, run, result);
    this.#runs.delete(id);
    this.#broken.delete(id);
  }

  #carryOut(seq: number, run: Run, commands: readonly Command[]): void {
    if (this.#live && commands.length > 0) this.#options.sink.carryOut(seq, run, commands);
  }

  /** A run that the fold cannot go on with is a bug; it ends in the open and holds up nobody. */
  #giveUp(run: EndedRun, seq: number, error: ErrorInfo): void {
    const { id } = run;
    this.#runs.delete(id);
    this.#broken.set(id, run);
    this.#options.logger.error({ run_id: id, seq, error }, "the run cannot go on");
    const result: RunResult = {
      run_id: id,
      success: false,
      status: "failed",
      return: null,
      status_code: null,
      result: null,
      error,
      statistics: {
        total_time: 0,
        nodes_executed: 0,
        nodes_failed: 0,
        nodes_skipped: 0,
        node_times: {},
        errors: [error],
      },
    };
    const message: RunMessage = { v: WIRE_VERSION, kind: "finished", run: id, result };
    this.#options.sink.append(seq, message, `${id}:finished`);
  }
}
