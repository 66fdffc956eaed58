/** What is read of an orchestrator when somebody asks for its metrics: nothing here costs anything before. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { RefusalCounter } from "../nats/index.ts";
import { messagesBehind } from "../store/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { PartitionShare } from "./partition-share.ts";
import type { StarvationWatch } from "./starvation-watch.ts";

export interface ObservedOrchestrator {
  readonly nc: NatsConnection;
  readonly partitions: number;
  readonly share: Pick<PartitionShare, "driven" | "partitions">;
  readonly starvation: Pick<StarvationWatch, "queued">;
  /** Of everything that reads messages here. */
  readonly refusals: readonly RefusalCounter[];
}

/** Runs in memory whose state is looked at: with more than these, `rayflow_runs_by_state` speaks of these alone. */
const MAX_LOOKED_AT = 100_000;

/** Observes it; gives what ends that. */
export function observeOrchestrator(metrics: Metrics, of: ObservedOrchestrator): () => void {
  const { nc, share } = of;
  /** A value for each partition that is driven here. */
  const byPartition = (read: (driven: PartitionShare["driven"][number]) => number) => () =>
    share.driven.map((driven) => [[String(driven.driver.partition)], read(driven)] as const);
  const ends = [
    metrics.observe(
      "rayflow_runs_active",
      byPartition(({ driver }) => driver.activeRuns),
    ),
    metrics.observe(
      "rayflow_runs_resting",
      byPartition(({ driver }) => driver.activeRuns - driver.runsInMemory),
    ),
    metrics.observe(
      "rayflow_log_messages_total",
      byPartition(({ driver }) => driver.folded),
    ),
    metrics.observe(
      "rayflow_unacknowledged_publishes",
      byPartition(({ driver }) => driver.emitter.openCount),
    ),
    metrics.observe(
      "rayflow_checkpoint_age_seconds",
      byPartition(({ checkpointAgeMs }) => checkpointAgeMs / 1000),
    ),
    metrics.observe("rayflow_partitions", () => [[[], of.partitions]]),
    metrics.observe("rayflow_partitions_owned", () => [[[], share.partitions.length]]),
    metrics.observe("rayflow_runs_by_state", () => byState(share)),
    metrics.observe("rayflow_queue_messages", () =>
      [...of.starvation.queued].map(([type, messages]) => [[type], messages] as const),
    ),
    metrics.observe("rayflow_log_lag_messages", () =>
      Promise.all(
        share.driven.map(async ({ driver: { partition, foldedThrough } }) => {
          return [[String(partition)], await messagesBehind(nc, partition, foldedThrough)] as const;
        }),
      ),
    ),
    metrics.observe("rayflow_messages_refused_total", () => refused(of.refusals)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function byState(share: ObservedOrchestrator["share"]) {
  const states = new Map<string, number>([
    ["running", 0],
    ["paused", 0],
  ]);
  let looked = 0;
  for (const { driver } of share.driven) {
    for (const { state } of driver.runs) {
      states.set(state, (states.get(state) ?? 0) + 1);
      if (++looked === MAX_LOOKED_AT) break;
    }
  }
  return [...states].map(([state, runs]) => [[state], runs] as const);
}

function refused(counters: readonly RefusalCounter[]) {
  const counts = new Map<string, readonly [readonly [string, string], number]>();
  for (const counter of counters) {
    for (const [family, kind, count] of counter.byKind()) {
      const key = `${family} ${kind}`;
      counts.set(key, [[family, kind], (counts.get(key)?.[1] ?? 0) + count]);
    }
  }
  return counts.values();
}
