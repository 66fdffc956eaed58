/** The durable consumers: one per node type, one for submissions, one for timers. */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { STREAMS } from "./names.ts";
import { subjects, subjectToken } from "./subjects.ts";

export interface ConsumerOptions {
  /** How long a message may stay unacked (or without `working()`) before it is delivered again, ms. */
  readonly ackWaitMs?: number;
  /** Most messages that are delivered and not acked. Default 1024. */
  readonly maxAckPending?: number;
}

/** The durable consumer that the actors of one node type share. */
export function nodeConsumerName(type: string): string {
  return subjectToken(type);
}

/** The consumer that all orchestrators share, on RAYFLOW_SUBMIT and on RAYFLOW_TIMERS. */
export const ORCHESTRATOR_CONSUMER = "orchestrator";

/** The queue of one node type. Default `ackWaitMs` 15 000. Its state lies in memory, as the stream does. */
export function ensureNodeConsumer(
  jsm: JetStreamManager,
  type: string,
  options: ConsumerOptions = {},
): Promise<ConsumerInfo> {
  return ensureConsumer(jsm, STREAMS.nodes, nodeConsumer(type, options));
}

/** The same, but one that is there stays as it is. */
export async function createNodeConsumer(jsm: JetStreamManager, type: string): Promise<void> {
  try {
    await jsm.consumers.add(STREAMS.nodes, nodeConsumer(type, {}));
  } catch (error) {
    if (!(error instanceof JetStreamApiError && CONSUMER_EXISTS.has(error.code))) throw error;
  }
}

function nodeConsumer(type: string, options: ConsumerOptions): Partial<ConsumerConfig> & { durable_name: string } {
  return {
    ...shared(options, 15_000),
    durable_name: nodeConsumerName(type),
    filter_subject: subjects.node(type),
    mem_storage: true,
  };
}

/** What orchestrators take submissions from. Default `ackWaitMs` 30 000. */
export function ensureSubmitConsumer(jsm: JetStreamManager, options: ConsumerOptions = {}): Promise<ConsumerInfo> {
  return ensureConsumer(jsm, STREAMS.submit, { ...shared(options, 30_000), durable_name: ORCHESTRATOR_CONSUMER });
}

/** What orchestrators take fired schedules from. Default `ackWaitMs` 30 000. */
export function ensureTimerConsumer(jsm: JetStreamManager, options: ConsumerOptions = {}): Promise<ConsumerInfo> {
  return ensureConsumer(jsm, STREAMS.timers, {
    ...shared(options, 30_000),
    durable_name: ORCHESTRATOR_CONSUMER,
    filter_subject: subjects.fireAll(),
  });
}

export interface TriggerConsumer {
  readonly stream: string;
  readonly name: string;
  /** What it takes of the stream. */
  readonly subject: string;
  /** It begins with what came at this time, ms since 1970. */
  readonly since: number;
  readonly maxAckPending: number;
}

/** What orchestrators take the messages from that start a deployed flow. */
export function ensureTriggerConsumer(jsm: JetStreamManager, wanted: TriggerConsumer): Promise<ConsumerInfo> {
  return ensureConsumer(jsm, wanted.stream, {
    ...shared({ maxAckPending: wanted.maxAckPending }, 60_000),
    durable_name: wanted.name,
    filter_subject: wanted.subject,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(wanted.since).toISOString(),
  });
}

function shared(options: ConsumerOptions, ackWaitMs: number): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(options.ackWaitMs ?? ackWaitMs),
    max_ack_pending: options.maxAckPending ?? 1024,
    // How often work may be lost is for the actor to judge, which answers with a result; the server never gives up.
    max_deliver: -1,
  };
}

const CONSUMER_EXISTS = new Set([10013, 10105, 10148]);

async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig> & { durable_name: string },
): Promise<ConsumerInfo> {
  try {
    return await jsm.consumers.add(stream, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError && CONSUMER_EXISTS.has(error.code))) throw error;
    return jsm.consumers.update(stream, config.durable_name, config);
  }
}
