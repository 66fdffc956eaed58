/** How far a partition's consequences are behind its log. */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { STREAMS, subjects } from "../nats/index.ts";
import { messagesBehind } from "../store/index.ts";

export interface PartitionLag {
  readonly messages: number;
  /** Age of the oldest of them; 0 when there is none. */
  readonly seconds: number;
}

/** What lies behind `emittedThrough`, as of the server's time `nowMs`. */
export async function readLag(
  nc: NatsConnection,
  jsm: JetStreamManager,
  partition: number,
  emittedThrough: number,
  nowMs: number,
): Promise<PartitionLag> {
  const messages = await messagesBehind(nc, partition, emittedThrough);
  if (messages === 0) return { messages, seconds: 0 };
  const filters = [subjects.runsOfPartition(partition), subjects.resultsOfPartition(partition)];
  const first = await Promise.all(
    filters.map((subject) => jsm.direct.getMessage(STREAMS.log, { seq: emittedThrough + 1, next_by_subj: subject })),
  );
  const times = first.flatMap((message) => (message === null ? [] : [message.time.getTime()]));
  const oldestMs = times.length === 0 ? nowMs : Math.min(...times);
  return { messages, seconds: Math.max(0, nowMs - oldestMs) / 1000 };
}
