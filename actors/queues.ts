/**
 * The queue and the durables that an actor takes its work from: made by itself, or, under a role that may not make any,
 * awaited from an orchestrator.
 */
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { millis, type NatsConnection, TimeoutError } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { ensureNodeConsumer, ensureTopology, nodeConsumerName, STREAMS } from "../nats/index.ts";

export interface Queues {
  /** The creation time of the dispatch queue, ISO 8601. */
  ensureQueue(): Promise<string>;
  ensureConsumer(type: string): Promise<unknown>;
  /** How long the server waits for a sign of life, ms: the shortest of the durables that were seen. */
  readonly ackWaitMs: number;
}

/** Sets up what is not there. */
export function ownQueues(nc: NatsConnection, jsm: JetStreamManager, ackWaitMs: number): Queues {
  return {
    ackWaitMs,
    ensureQueue: async () => (await createdAt(jsm)) ?? (await ensureTopology(nc)).queueCreated,
    ensureConsumer: (type) => ensureNodeConsumer(jsm, type, { ackWaitMs }),
  };
}

/** Sets up nothing: what is not there yet is an error that passes. */
export function givenQueues(jsm: JetStreamManager): Queues {
  let shortestMs = Number.POSITIVE_INFINITY;
  return {
    get ackWaitMs() {
      return Number.isFinite(shortestMs) ? shortestMs : 15_000;
    },
    ensureQueue: async () => {
      const created = await createdAt(jsm);
      if (created === undefined) throw missing("the stream RAYFLOW_NODES");
      return created;
    },
    ensureConsumer: async (type) => {
      const info = await found(jsm.consumers.info(STREAMS.nodes, nodeConsumerName(type)));
      if (info === undefined) throw missing(`the queue of ${type}`);
      shortestMs = Math.min(shortestMs, millis(info.config.ack_wait ?? 15e9));
    },
  };
}

async function createdAt(jsm: JetStreamManager): Promise<string | undefined> {
  const info = await found(jsm.streams.info(STREAMS.nodes));
  return info && new Date(info.created).toISOString();
}

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

function missing(what: string): RayflowError {
  return new RayflowError("ConnectionFailed", `${what} is not there yet: an orchestrator sets it up`);
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const MAX_LATE_ANSWERS = 5;

/**
 * Tries again: with a `logger` for as long as the connection lives, whatever the reason; without one a few times, when a
 * server that has much to do did not answer in time.
 */
export async function untilSetUp(
  nc: NatsConnection,
  attempt: () => Promise<unknown>,
  logger: Logger | undefined,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      const isLate = error instanceof TimeoutError && tries < MAX_LATE_ANSWERS;
      if (nc.isClosed() || (logger === undefined && !isLate)) throw error;
      const fields = { error: toErrorInfo(error) };
      // An orchestrator that starts at the same moment needs some milliseconds: not worth a word.
      if (tries === 1) logger?.debug(fields, "not set up yet");
      else logger?.warn(fields, "what this actor needs is not set up yet: trying again");
      await delay(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}
