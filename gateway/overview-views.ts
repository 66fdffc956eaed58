/** What `rayflow top` shows: how a server stands at one moment. */
import type { RunSummary } from "./run-views.ts";

/** Rates are per second since the reading before; null in the first one. */
type PerSecond = number | null;

export interface Overview {
  /** By the server's clock, ISO 8601. */
  readonly at: string;
  readonly server: { readonly url: string; readonly version: string; readonly rtt_ms: number };
  readonly runs: RunsOverview;
  readonly orchestrators: readonly {
    readonly id: string;
    readonly version: string;
    readonly partitions: number;
    readonly active_runs: number;
  }[];
  readonly partitions: readonly PartitionOverview[];
  /** The queues of node types. */
  readonly types: readonly TypeOverview[];
  readonly streams: readonly StreamOverview[];
}

export interface RunsOverview {
  /** How many have not ended. */
  readonly live: number;
  /** How many of those that were looked at stand where. */
  readonly by_state: Readonly<Record<string, number>>;
  /** The oldest ones, and no more than a few hundred: the others only count as live. */
  readonly looked_at: number;
  readonly started_per_second: PerSecond;
  readonly succeeded_per_second: PerSecond;
  readonly failed_per_second: PerSecond;
  readonly cancelled_per_second: PerSecond;
  /** Those that were looked at, oldest first. */
  readonly active: readonly (RunSummary & { readonly age_seconds: number })[];
}

export interface PartitionOverview {
  readonly partition: number;
  readonly owner: string | null;
  /** Messages of its log whose consequences are not all out by its last checkpoint. */
  readonly lag_messages: number;
  /** Age of the oldest of them. */
  readonly lag_seconds: number;
  /** Null before the first one. One that has nothing to add to the last is not written. */
  readonly checkpoint_age_seconds: number | null;
}

export interface TypeOverview {
  readonly type: string;
  /** Actor processes that say that they serve it; null where none answers at all. */
  readonly actors: number | null;
  /** Requests for work that actors have open. */
  readonly pulls: number;
  readonly pending: number;
  readonly in_flight: number;
  /** Of those in flight, delivered more than once. */
  readonly redelivered: number;
  /** Messages handed out; one may hold several steps. */
  readonly messages_per_second: PerSecond;
}

export interface StreamOverview {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  /** -1: no limit. */
  readonly max_bytes: number;
  /** Messages that came. */
  readonly messages_per_second: PerSecond;
}
