/**
 * Watches from outside who drives which partition. Two that do so for a moment are no harm; two that go on doing so
 * mean that the leases fence nobody off.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { askOrchestrators } from "../../gateway/index.ts";

export interface Ownership {
  /** Longest time that two orchestrators have claimed one partition in every answer, ms. */
  readonly longestSharedMs: number;
  stop(): Promise<void>;
}

/** Longer than any lease lives: a process that was stopped finds out by then. */
export const SHARED_TOO_LONG_MS = 10_000;
const INTERVAL_MS = 1_000;
const ANSWER_MS = 300;

export function watchOwnership(nc: NatsConnection): Ownership {
  const since = new Map<number, number>();
  let longestSharedMs = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    const owners = new Map<number, number>();
    for (const { partitions } of await askOrchestrators(nc, ANSWER_MS)) {
      for (const partition of partitions) owners.set(partition, (owners.get(partition) ?? 0) + 1);
    }
    const now = performance.now();
    for (const partition of since.keys()) if ((owners.get(partition) ?? 0) < 2) since.delete(partition);
    for (const [partition, count] of owners) {
      if (count < 2) continue;
      if (!since.has(partition)) since.set(partition, now);
      longestSharedMs = Math.max(longestSharedMs, now - (since.get(partition) ?? now));
    }
  };
  const loop = (async () => {
    while (!stopped) {
      await look().catch(() => since.clear());
      await new Promise((done) => setTimeout(done, INTERVAL_MS));
    }
  })();
  return {
    get longestSharedMs() {
      return longestSharedMs;
    },
    stop: async () => {
      stopped = true;
      await loop;
    },
  };
}
