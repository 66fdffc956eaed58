/** The ceiling's streams and messages: those of the engine's hot path, with nothing around them. */
import { AckPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { createInbox, headers, type NatsConnection } from "@nats-io/transport-node";

export const NODES = "CEILING_NODES";
export const LOG = "CEILING_LOG";
export const SUBMIT = "CEILING_SUBMIT";
export const HISTORY = "CEILING_HISTORY";
export const WORKERS = "workers";
export const dispatchSubject = "ceiling.node.bench_step";
export const resultSubject = "ceiling.result.bench_step.0";
export const submitSubject = "ceiling.flow.run.bench";
export const runSubject = (run: string): string => `ceiling.run.0.${run}`;
export const historySubject = (run: string): string => `ceiling.history.bench.${run}`;

/** Sets all streams up anew: the dispatch queue in memory, the others in files. */
export async function setUpStreams(jsm: JetStreamManager): Promise<void> {
  for (const name of [NODES, LOG, SUBMIT, HISTORY]) await jsm.streams.delete(name).catch(() => false);
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
    subjects: ["ceiling.result.*.*", "ceiling.run.*.*"],
    storage: StorageType.File,
    duplicate_window: window,
    // The engine trims its log below what is in flight; here the server does, so that a long bench fills no disk.
    max_bytes: 1 << 30,
  });
  await jsm.streams.add({
    name: SUBMIT,
    subjects: ["ceiling.flow.run.*"],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    duplicate_window: window,
  });
  await jsm.streams.add({
    name: HISTORY,
    subjects: ["ceiling.history.*.*"],
    storage: StorageType.File,
    max_bytes: 1 << 30,
  });
  await jsm.consumers.add(SUBMIT, { durable_name: WORKERS, ack_policy: AckPolicy.Explicit, max_ack_pending: -1 });
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

/** What surrounds a run in the log. `room` makes it as long as the engine's. */
export interface RunMessage {
  readonly v: 1;
  readonly kind: "submitted" | "finished";
  readonly run: string;
  readonly room: string;
}

export interface ResultMessage {
  readonly v: 1;
  readonly type: string;
  readonly results: readonly ResultEntry[];
}

export type AckedPublish = (subject: string, message: object, msgId: string | undefined, acked: () => void) => void;

/** Publishes under a `Nats-Msg-Id` and calls back with the PubAck; one subscription takes them all. */
export function ackedPublisher(nc: NatsConnection, onRefused: (error: Error) => void): AckedPublish {
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
  return (subject, message, msgId, acked) => {
    const token = (++serial).toString(36);
    const head = headers();
    if (msgId !== undefined) head.set("Nats-Msg-Id", msgId);
    waiting.set(token, acked);
    nc.publish(subject, JSON.stringify(message), { reply: prefix + token, headers: head });
  };
}
