/**
 * Reads how a server stands, again and again: `rayflow top`. It looks at what is stored and counted anyway, and asks the
 * processes for nothing but who they are.
 *
 * O1. What it costs grows with what is new and with what is shown, not with the runs there are.
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { askActors } from "../actors/index.ts";
import { ensureTopology, type RunStatus, STREAMS } from "../nats/index.ts";
import { RunLog, SnapshotStore } from "../store/index.ts";
import { readPartitions } from "./cluster.ts";
import { standingOf, summaryOf } from "./describe-run.ts";
import { LiveCount } from "./live-count.ts";
import { foldLiveRuns, type LiveRun, type LiveRunsOptions } from "./live-runs.ts";
import type { Overview, PartitionOverview, RunsOverview, StreamOverview, TypeOverview } from "./overview-views.ts";
import { readLag } from "./partition-lag.ts";
import { askOrchestrators } from "./request-reply.ts";
import { serverNowMs } from "./server-clock.ts";

export interface OverviewOptions {
  /** How many runs are looked at, the oldest first. Default 50. */
  readonly runs?: number;
}

const DEFAULT_RUNS = 50;
/** How long orchestrators and actors may take to answer: at once, or not at all, ms. */
const ASK_MS = 250;
/** With more messages in the log than these its runs are counted and not folded. */
const MAX_FOLDED_MESSAGES = 50_000;
const MAX_FINISHED_READ = 100_000;

/** What rates are made of: counters, and when they were read. */
interface Before {
  readonly atMs: number;
  readonly historyAt: number;
  readonly live: number;
  readonly delivered: ReadonlyMap<string, number>;
  readonly streamSeqs: ReadonlyMap<string, number>;
}

export class OverviewReader {
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #log: RunLog;
  readonly #live: LiveRunsOptions;
  readonly #count: LiveCount;
  readonly #runs: number;
  #before: Before | undefined;
  /** The last place of the history that was counted. */
  #historyAt = 0;

  private constructor(
    nc: NatsConnection,
    jsm: JetStreamManager,
    log: RunLog,
    live: LiveRunsOptions,
    options: OverviewOptions,
  ) {
    this.#nc = nc;
    this.#jsm = jsm;
    this.#log = log;
    this.#live = live;
    this.#count = new LiveCount(live);
    this.#runs = options.runs ?? DEFAULT_RUNS;
  }

  static async open(nc: NatsConnection, options: OverviewOptions = {}): Promise<OverviewReader> {
    const { partitions } = await ensureTopology(nc);
    const [jsm, log, snapshots] = await Promise.all([
      jetstreamManager(nc, { checkAPI: false }),
      RunLog.open(nc, partitions),
      SnapshotStore.open(nc),
    ]);
    return new OverviewReader(nc, jsm, log, { nc, partitions, snapshots }, options);
  }

  /** The first one is without rates. */
  async read(): Promise<Overview> {
    const nc = this.#nc;
    const before = this.#before;
    const nowMs = await serverNowMs(this.#jsm);
    const perSecond = (count: number): number | null =>
      before === undefined ? null : Math.max(0, count) / Math.max(0.001, (nowMs - before.atMs) / 1000);
    const [rtt, orchestrators, partitions, types, streams, { live, runs }] = await Promise.all([
      nc.rtt(),
      askOrchestrators(nc, ASK_MS),
      this.#readPartitions(nowMs),
      this.#readTypes(perSecond),
      this.#readStreams(perSecond),
      this.#readRuns(nowMs, perSecond),
    ]);
    this.#before = {
      atMs: nowMs,
      historyAt: this.#historyAt,
      live,
      delivered: new Map(types.map(({ type, delivered }) => [type, delivered])),
      streamSeqs: new Map(streams.map(({ name, lastSeq }) => [name, lastSeq])),
    };
    return {
      at: new Date(nowMs).toISOString(),
      server: { url: nc.getServer(), version: nc.info?.version ?? "?", rtt_ms: rtt },
      runs,
      orchestrators: orchestrators
        .map(({ id, version, partitions, active_runs }) => ({
          id,
          version,
          partitions: partitions.length,
          active_runs,
        }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
      partitions,
      types: types.map(({ delivered: _, ...type }) => type),
      streams: streams.map(({ lastSeq: _, ...stream }) => stream),
    };
  }

  async #readRuns(
    nowMs: number,
    perSecond: (count: number) => number | null,
  ): Promise<{ live: number; runs: RunsOverview }> {
    const [{ runs: live, started }, ended] = await Promise.all([this.#count.read(), this.#readEnded()]);
    const active: RunsOverview["active"][number][] = [];
    const byState: Record<string, number> = {};
    for await (const folder of foldLiveRuns(this.#live, await this.#foldable(live))) {
      if (!folder.run || folder.finished) continue;
      const state = standingOf(folder);
      byState[state] = (byState[state] ?? 0) + 1;
      const summary = summaryOf(folder, folder.run);
      active.push({ ...summary, age_seconds: Math.max(0, nowMs - Date.parse(summary.submitted_at)) / 1000 });
    }
    const sum = ended.succeeded + ended.failed + ended.cancelled;
    // Where the log was trimmed before it was read: whatever is there or has ended has begun.
    const begun = started ?? live.length - (this.#before?.live ?? 0) + sum;
    return {
      live: live.length,
      runs: {
        live: live.length,
        by_state: byState,
        looked_at: active.length,
        started_per_second: perSecond(begun),
        succeeded_per_second: perSecond(ended.succeeded),
        failed_per_second: perSecond(ended.failed),
        cancelled_per_second: perSecond(ended.cancelled),
        active,
      },
    };
  }

  /** The oldest, with their snapshots; none when the log is too long to be read for a look. */
  async #foldable(live: readonly LiveRun[]): Promise<LiveRun[]> {
    const { messages } = (await this.#jsm.streams.info(STREAMS.log)).state;
    if (messages > MAX_FOLDED_MESSAGES) return [];
    const { snapshots } = this.#live;
    return Promise.all(
      live.slice(0, this.#runs).map(async (run) => ({ ...run, mark: await snapshots.find(run.partition, run.run) })),
    );
  }

  async #readEnded(): Promise<Record<RunStatus, number>> {
    const counts = { succeeded: 0, failed: 0, cancelled: 0 };
    const { last_seq } = (await this.#jsm.streams.info(STREAMS.history)).state;
    const after = this.#before?.historyAt ?? last_seq;
    this.#historyAt = Math.max(after, last_seq);
    if (last_seq <= after) return counts;
    const query = { limit: MAX_FINISHED_READ, after, before: last_seq + 1 };
    for (const { status } of await this.#log.listHistory(query)) counts[status]++;
    return counts;
  }

  async #readPartitions(nowMs: number): Promise<PartitionOverview[]> {
    const views = await readPartitions(this.#nc, this.#live.partitions);
    return Promise.all(
      views.map(async ({ partition, owner, emitted_through, checkpoint_at }) => {
        const lag = await readLag(this.#nc, this.#jsm, partition, emitted_through ?? 0, nowMs);
        return {
          partition,
          owner,
          lag_messages: lag.messages,
          lag_seconds: lag.seconds,
          checkpoint_age_seconds: checkpoint_at === null ? null : Math.max(0, nowMs - Date.parse(checkpoint_at)) / 1000,
        };
      }),
    );
  }

  async #readTypes(perSecond: (count: number) => number | null): Promise<(TypeOverview & { delivered: number })[]> {
    const asked = askActors(this.#nc, ASK_MS);
    const found: (TypeOverview & { delivered: number })[] = [];
    const before = this.#before?.delivered;
    for await (const info of this.#jsm.consumers.list(STREAMS.nodes)) {
      const { name: type, num_waiting, num_pending, num_ack_pending, num_redelivered, delivered } = info;
      const count = delivered.consumer_seq;
      found.push({
        type,
        actors: null,
        pulls: num_waiting,
        pending: num_pending,
        in_flight: num_ack_pending,
        redelivered: num_redelivered,
        messages_per_second: perSecond(count - (before?.get(type) ?? count)),
        delivered: count,
      });
    }
    const actors = await asked;
    const serving = (type: string): number => actors.filter(({ types }) => types.includes(type)).length;
    return found
      .map((one) => ({ ...one, actors: actors.length === 0 ? null : serving(one.type) }))
      .sort((a, b) => (a.type < b.type ? -1 : 1));
  }

  async #readStreams(perSecond: (count: number) => number | null): Promise<(StreamOverview & { lastSeq: number })[]> {
    const before = this.#before?.streamSeqs;
    return Promise.all(
      Object.values(STREAMS).map(async (name) => {
        const { state, config } = await this.#jsm.streams.info(name);
        const { messages, bytes, last_seq: lastSeq } = state;
        const rate = perSecond(lastSeq - (before?.get(name) ?? lastSeq));
        return { name, messages, bytes, max_bytes: config.max_bytes, messages_per_second: rate, lastSeq };
      }),
    );
  }
}
