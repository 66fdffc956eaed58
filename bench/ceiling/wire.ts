/** The ceiling's streams and messages: those of the engine's hot path, with nothing around them. */
import { AckPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { createInbox, headers, type NatsConnection } from "@nats-io/transport-node";

export const NODES = "CEILING_NODES";
export const LOG = "CEILING_LOG";
export const WORKERS = "workers";
export const dispatchSubject = "ceiling.node.bench_step";
export const resultSubject = "ceiling.result.bench_step.0";

/** Sets both streams up anew: the queue in memory, the log in files. */
export async function setUpStreams(jsm: JetStreamManager): Promise<void> {
  for (const name of [NODES, LOG]) await jsm.streams.delete(name).catch(() => false);
  const window = 120_000_000_000;
  await jsm.streams.add({
    name: NODES,
    subjects: ["ceiling.node.*"],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.Memory,
    duplicate_window: window,
  });
  await jsm.streams.add({
    name: LOG,
    subjects: ["ceiling.result.*.*"],
    storage: StorageType.File,
    duplicate_window: window,
    // The engine trims its log below what is in flight; here the server does, so that a long bench fills no disk.
    max_bytes: 1 << 30,
  });
  await jsm.consumers.add(NODES, { durable_name: WORKERS, ack_policy: AckPolicy.Explicit, max_ack_pending: -1 });
}

/** As large as the engine's, field for field. */
export interface DispatchEntry {
  readonly kind: "exec";
  readonly id: string;
  readonly run: string;
  readonly flow: string;
  readonly partition: number;
  readonly node: string;
  readonly scope: string;
  readonly attempt: number;
  readonly inputs: { readonly value: number; readonly payload?: string };
  readonly config: Record<string, never>;
  readonly timeout_ms: number;
  readonly idempotency_key: string;
}

export interface ResultEntry {
  readonly id: string;
  readonly run: string;
  readonly status: "ok";
  readonly outputs: { readonly value: number; readonly payload?: string };
  readonly started_at: number;
  readonly duration_ms: number;
  readonly actor: string;
}

export interface DispatchMessage {
  readonly v: 1;
  readonly type: string;
  readonly entries: readonly DispatchEntry[];
}

export interface ResultMessage {
  readonly v: 1;
  readonly type: string;
  readonly results: readonly ResultEntry[];
}

/** Publishes under a `Nats-Msg-Id` and calls back with the PubAck; one subscription takes them all. */
export function ackedPublisher(nc: NatsConnection, onRefused: (error: Error) => void) {
  const prefix = `${createInbox()}.`;
  const waiting = new Map<string, () => void>();
  let serial = 0;
  nc.subscribe(`${prefix}*`, {
    callback: (_, msg) => {
      const token = msg.subject.slice(prefix.length);
      const acked = waiting.get(token);
      waiting.delete(token);
      const ack = msg.data.length === 0 ? { error: { description: "no stream" } } : msg.json<{ error?: object }>();
      if (ack.error) onRefused(new Error(`a publish was refused: ${JSON.stringify(ack.error)}`));
      else acked?.();
    },
  });
  return (subject: string, message: DispatchMessage | ResultMessage, msgId: string, acked: () => void): void => {
    const token = (++serial).toString(36);
    const head = headers();
    head.set("Nats-Msg-Id", msgId);
    waiting.set(token, acked);
    nc.publish(subject, JSON.stringify(message), { reply: prefix + token, headers: head });
  };
}
