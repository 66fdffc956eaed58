/**
 * Drives one partition: reads its log in order for as long as it is held, and has each message folded.
 *
 * D1. Until it has read what was in the log when it started, it only folds; then it sends what is still outstanding.
 * D2. `replayFrom` never passes a message that a recovery would still need.
 * D3. Whatever a message holds, the loop goes on with the next one.
 */
import type { LogReader, PartitionEntry, RunLog, SnapshotMark } from "../store/index.ts";
import { systemClock } from "./clock.ts";
import type { Emitter } from "./emitter.ts";
import { PartitionRuns, type PartitionRunsOptions } from "./partition-runs.ts";
import type { Run } from "./run/fold.ts";

export interface PartitionDriverOptions extends PartitionRunsOptions {
  readonly log: Pick<RunLog, "openPartition">;
  readonly emitter: Emitter;
  /** Whether the queue that `checkpoint.emitted_through` speaks of is gone. */
  readonly queueLost: boolean;
  /** Whether the lease is held by this moment. Default: always. */
  readonly isHeld?: () => boolean;
}

const yes = (): boolean => true;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
const HELD_POLL_MS = 20;
/** So many entries may be taken in one turn before others have theirs. */
const TAKEN_AT_ONCE = 256;

export class PartitionDriver {
  readonly partition: number;
  readonly #options: PartitionDriverOptions;
  readonly #table: PartitionRuns;
  #reader: LogReader | undefined;
  #loop: Promise<void> | undefined;
  #goingLive = false;
  #stopping = false;
  /** An entry is being worked on. */
  #taking = false;
  #queueLost: boolean;
  readonly #liveWaiters: (() => void)[] = [];

  constructor(options: PartitionDriverOptions) {
    this.partition = options.partition;
    this.#options = options;
    this.#queueLost = options.queueLost;
    this.#table = new PartitionRuns(options);
  }

  /** Runs in memory. */
  get runs(): Iterable<Run> {
    return this.#table.inMemory;
  }

  /** Runs that have not ended, in memory and at rest. */
  get activeRuns(): number {
    return this.#table.size + this.#options.shelf.size;
  }

  get runsInMemory(): number {
    return this.#table.size;
  }

  /** Messages that were folded since it began. */
  get folded(): number {
    return this.#table.folded;
  }

  /** Up to here it has folded the log; what holds no entry counts as folded. */
  get foldedThrough(): number {
    const read = this.#reader?.readThrough ?? (this.#options.checkpoint?.replay_from ?? 1) - 1;
    return this.#taking ? Math.min(read, this.#table.lastSeq - 1) : read;
  }

  /** Whether it has caught up and carries out what comes. */
  get live(): boolean {
    return this.#table.live;
  }

  get emitter(): Emitter {
    return this.#options.emitter;
  }

  /** Before this sequence no message is needed any more. */
  get replayFrom(): number {
    const unsent = this.#options.emitter.emittedThrough + 1;
    return Math.min(unsent, this.#table.neededFrom ?? unsent);
  }

  /** The spans of all runs that ended before this message are exported; undefined: nobody exports any. */
  get tracedBefore(): number | undefined {
    const { tracer } = this.#options;
    return tracer && Math.min(tracer.exportedBefore, this.#table.lastSeq + 1);
  }

  start(): void {
    this.#loop = this.#readOn();
  }

  /** Resolves once it has caught up with the log as it was at the start. */
  untilLive(): Promise<void> {
    return this.live ? Promise.resolve() : new Promise((done) => this.#liveWaiters.push(done));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#table.stop();
    await this.#reader?.stop();
    await this.#loop;
  }

  /** The dispatch queue is gone: sends again what is in flight, of runs at rest too. */
  async resendInFlight(): Promise<void> {
    this.#queueLost = true;
    if (this.live) await this.#resend(0, ({ inFlight }) => inFlight > 0);
  }

  /** Puts runs onto the shelf that have had no news for a while. To be called every few seconds. */
  async putToRest(): Promise<void> {
    if (this.live) await this.#table.putToRest(this.emitter.emittedThrough);
  }

  /** Nothing of this partition lies in the log up to `seq` that was not taken in: an idle partition holds back no trim. */
  async passIdle(seq: number): Promise<void> {
    if (!this.live || !(await this.#reader?.isDrained())) return;
    // Drained is what the reader has handed out; the last entry may still be worked on.
    if (!this.#taking) this.emitter.passed(seq);
  }

  /** Until all that is outstanding is on its way, no checkpoint may take a message after `since` for carried out. */
  async #resend(since: number, isWanted: (mark: SnapshotMark) => boolean): Promise<void> {
    const release = this.emitter.hold(since + 1);
    await this.#table.resend(since, isWanted);
    release();
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
    const from = Math.max(checkpoint?.replay_from ?? 1, this.#table.lastSeq + 1);
    const reader = await log.openPartition(this.partition, from);
    this.#reader = reader;
    if (this.#stopping) return reader.stop();
    void reader.untilCaughtUp
      .then(() => this.#goLive())
      .catch((error) => logger.debug({ partition: this.partition, err: error }, "stopped before it was live"));
    const { isHeld = yes } = this.#options;
    for await (const entry of reader) {
      let next: PartitionEntry | undefined = entry;
      for (let taken = 0; next !== undefined; next = ++taken < TAKEN_AT_ONCE ? reader.takeNow() : undefined) {
        if (!isHeld()) await this.#untilHeld();
        if (this.#stopping) return;
        this.#taking = true;
        try {
          const pending = this.#table.take(next);
          if (pending) await pending;
          this.emitter.passed(next.seq);
        } catch (error) {
          // The entry is not passed: whoever comes next reads it again.
          if (this.#stopping) return;
          const { seq } = next;
          logger.error({ partition: this.partition, seq, err: error }, "a message of the log was passed over");
        }
        this.#taking = false;
      }
      if (reader.caughtUp) await this.#goLive();
    }
  }

  /**
   * A process that was stopped for longer than its lease may find that the log was read on and trimmed without it: it
   * must not fold on over the gap before it knows that the partition is still its own.
   */
  async #untilHeld(): Promise<void> {
    const { isHeld = yes, clock = systemClock } = this.#options;
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
}
