/**
 * The log: everything that changes a live run, in RAYFLOW_LOG; and what is left of it in the history.
 *
 * The log is one stream, its partitions are subjects in it: so sequences grow within a partition, with gaps.
 */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import {
  encodeMessage,
  ensureTopology,
  partitionOf,
  RefusalCounter,
  type ResultMessage,
  type RunMessage,
  type RunResult,
  type SentResultMessage,
  STREAMS,
  subjects,
  toStored,
} from "../nats/index.ts";
import { blueprintsOn } from "./blueprint-store.ts";
import { readBounded } from "./bucket.ts";
import type { HistorySummary } from "./history-headers.ts";
import type { HistoryRecord } from "./history-record.ts";
import { decodeLogEntry, type LogEntry, ofRun, quietGuard, timeOf, toLogEntry } from "./log-entry.ts";
import { LogFeed } from "./log-feed.ts";
import { LogReader } from "./log-reader.ts";
import { type HistoryQuery, RunHistory } from "./run-history.ts";
import { tokensOn } from "./token-keys.ts";

export interface AppendOptions {
  /** The stream drops a second message of the same id. */
  readonly msgId: string;
}

/** Of a run's own messages no token is asked. */
const NO_RESULTS = quietGuard({ verify: () => false });
/** Room for subject and headers beside a message. */
const HEADER_ROOM_BYTES = 4 * 1024;

export class RunLog {
  readonly history: RunHistory;
  /** Messages of the log that held no entry. */
  readonly refusals = new RefusalCounter();
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: Promise<JetStreamManager>;
  #partitions: number | undefined;
  #feed: LogFeed | undefined;

  /** `partitions`: as the topology has it. Default: asked for when it is needed. */
  constructor(nc: NatsConnection, partitions?: number) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#partitions = partitions;
    this.history = new RunHistory(nc);
  }

  static async open(nc: NatsConnection, partitions?: number): Promise<RunLog> {
    const log = new RunLog(nc, partitions);
    await log.#partitionCount();
    return log;
  }

  /**
   * Writes what happened to a run; gives the sequence, also of a message that was there already.
   * @throws PayloadTooLarge
   */
  async append(message: RunMessage, options: AppendOptions): Promise<number> {
    const partition = partitionOf(message.run, await this.#partitionCount());
    const msgId = (await tokensOn(this.#nc)).messageId(options.msgId);
    return this.#publish(subjects.run(partition, message.run), toStored(message), { msgId });
  }

  /** Writes results as an actor would that was sent the work, for the runs of one partition. @throws PayloadTooLarge */
  async appendResult(message: ResultMessage, partition: number, options: AppendOptions): Promise<number> {
    const tokens = await tokensOn(this.#nc);
    const results = message.results.map((result) => ({ ...result, token: tokens.sign(result.id) }));
    const sent: SentResultMessage = { ...message, results };
    return this.#publish(subjects.result(message.type, partition), sent, options);
  }

  async #publish(subject: string, message: unknown, { msgId }: AppendOptions): Promise<number> {
    const bytes = encodeMessage(message);
    const limit = (this.#nc.info?.max_payload ?? 1024 * 1024) - HEADER_ROOM_BYTES;
    if (bytes.length > limit) {
      throw new RayflowError("PayloadTooLarge", `a message of ${bytes.length} bytes; the server takes ${limit}`);
    }
    return (await this.#js.publish(subject, bytes, { msgID: msgId })).seq;
  }

  /** All entries of a partition from a sequence on, and those to come. */
  async openPartition(partition: number, fromSeq = 1): Promise<LogReader> {
    const partitions = await this.#partitionCount();
    const { verify } = await tokensOn(this.#nc);
    const guard = { verify, refused: (subject: string, reason: string) => this.refusals.add(subject, reason) };
    const shared = { nc: this.#nc, js: this.#js, partitions, refusals: this.refusals, guard };
    this.#feed ??= new LogFeed(shared);
    return LogReader.open({ ...shared, feed: this.#feed, partition, fromSeq });
  }

  /** The first and the last sequence of the whole log; `lastSeq` is 0 when nothing was ever written. */
  async bounds(): Promise<{ firstSeq: number; lastSeq: number }> {
    const { state } = await (await this.#jsm).streams.info(STREAMS.log);
    return { firstSeq: state.first_seq, lastSeq: state.last_seq };
  }

  async lastSeq(): Promise<number> {
    return (await this.bounds()).lastSeq;
  }

  /** The entries of one run that are in the log now, results of other runs left out. None when it has been trimmed. */
  async *runEntries(run: string, options: { readonly fromSeq?: number } = {}): AsyncGenerator<LogEntry> {
    const partitions = await this.#partitionCount();
    const partition = partitionOf(run, partitions);
    const { direct } = await this.#jsm;
    const guard = quietGuard(await tokensOn(this.#nc));
    const own = subjects.run(partition, run);
    const first = await direct.getMessage(STREAMS.log, { seq: options.fromSeq ?? 1, next_by_subj: own });
    if (first === null && options.fromSeq === undefined) return;
    const messages = readBounded(this.#js, {
      stream: STREAMS.log,
      filter: [own, subjects.resultsOfPartition(partition), subjects.sharedResults(), subjects.sharedEnds()],
      fromSeq: options.fromSeq ?? first?.seq ?? 1,
      throughSeq: await this.lastSeq(),
    });
    for await (const message of messages) {
      const { subject, seq, data } = message;
      const decoded = decodeLogEntry({ subject, seq, data, timeMs: timeOf(message) }, partitions, guard);
      const entry = decoded.ok ? ofRun(decoded.entry, run) : undefined;
      if (entry !== undefined) yield await toLogEntry(entry, blueprintsOn(this.#nc));
    }
  }

  /** How a run ended, from the log or the history; undefined when it has not, or nobody knows it. */
  async finishedResult(run: string): Promise<RunResult | undefined> {
    const partitions = await this.#partitionCount();
    const own = subjects.run(partitionOf(run, partitions), run);
    const { direct } = await this.#jsm;
    const last = await direct.getMessage(STREAMS.log, { last_by_subj: own });
    if (last !== null) {
      const { subject, seq, data } = last;
      const decoded = decodeLogEntry({ subject, seq, data, timeMs: last.time.getTime() }, partitions, NO_RESULTS);
      if (decoded.ok && decoded.entry.kind === "run" && decoded.entry.message.kind === "finished") {
        return decoded.entry.message.result;
      }
    }
    const finished = await this.history.readResult(run);
    if (finished !== undefined || last === null) return finished;
    // A signal or a cancel may have come after the end: then the last word is not the result.
    for await (const message of readBounded(this.#js, { stream: STREAMS.log, filter: own })) {
      const { subject, seq, data } = message;
      const decoded = decodeLogEntry({ subject, seq, data, timeMs: timeOf(message) }, partitions, NO_RESULTS);
      if (decoded.ok && decoded.entry.kind === "run" && decoded.entry.message.kind === "finished") {
        return decoded.entry.message.result;
      }
    }
    return undefined;
  }

  /** Whether the log or the history holds anything of a run. A run at rest may have neither: see its snapshot. */
  async isKnown(run: string): Promise<boolean> {
    const { direct } = await this.#jsm;
    const own = subjects.run(partitionOf(run, await this.#partitionCount()), run);
    const [live, finished] = await Promise.all([
      direct.getMessage(STREAMS.log, { last_by_subj: own }),
      direct.getMessage(STREAMS.history, { last_by_subj: subjects.historyOfRun(run) }),
    ]);
    return live !== null || finished !== null;
  }

  /** Forgets what lies below a sequence; gives how many messages that were. */
  async trim(belowSeq: number): Promise<number> {
    if (belowSeq <= 1) return 0;
    return (await (await this.#jsm).streams.purge(STREAMS.log, { seq: belowSeq })).purged;
  }

  writeHistory(record: Omit<HistoryRecord, "v">): Promise<void> {
    return this.history.write(record);
  }

  readHistory(run: string): Promise<HistoryRecord | undefined> {
    return this.history.read(run);
  }

  listHistory(query?: HistoryQuery): Promise<HistorySummary[]> {
    return this.history.list(query);
  }

  async #partitionCount(): Promise<number> {
    this.#partitions ??= (await ensureTopology(this.#nc)).partitions;
    return this.#partitions;
  }
}
