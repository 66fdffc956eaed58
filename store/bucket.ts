/**
 * What the stores share of JetStream's key-value buckets.
 *
 * A bucket is bound without asking the server whether it exists: `ensureTopology` has made it. Reads go to the leader,
 * not to the nearest replica, so that who has written reads what it wrote.
 */
import {
  type ConsumerMessages,
  type DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JsMsg,
  jetstream,
} from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { bucketStream } from "../nats/index.ts";

export function openBucket(nc: NatsConnection, bucket: string): Promise<KV> {
  return new Kvm(jetstream(nc)).open(bucket, { allow_direct: false });
}

/** Whether a write was refused because the entry is no longer at the expected revision. */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

/** An entry that holds a value; a deleted or expired one leaves a marker behind, which is none. */
export function isLive(entry: KvEntry | null): entry is KvEntry & { operation: "PUT" } {
  return entry !== null && entry.operation === "PUT";
}

export interface BoundedRead {
  readonly stream: string;
  /** Subjects to read. */
  readonly filter: string | string[];
  readonly fromSeq?: number;
  /** The last sequence that is wanted. Default: the last one there is at the start. */
  readonly throughSeq?: number;
  readonly deliver?: DeliverPolicy;
  readonly headersOnly?: boolean;
  /** Ends the reading: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const READ_AHEAD = 256;
/** The server's sign of life while nothing changes; two missed ones, and the watch is set up anew. */
const IDLE_HEARTBEAT_MS = 2_000;

/** After this time without a message, the server is asked whether one is still to come, ms. */
const DOUBT_MS = 500;

/** The messages of a stream up to where it ends now; never waits for a new one, or for one that is purged meanwhile. */
export async function* readBounded(js: JetStreamClient, read: BoundedRead): AsyncGenerator<JsMsg> {
  const { signal } = read;
  signal?.throwIfAborted();
  const consumer = await js.consumers.get(read.stream, {
    filter_subjects: read.filter,
    ...(read.fromSeq === undefined ? {} : { opt_start_seq: Math.max(1, read.fromSeq) }),
    ...(read.deliver === undefined ? {} : { deliver_policy: read.deliver }),
    ...(read.headersOnly === undefined ? {} : { headers_only: read.headersOnly }),
  });
  try {
    if ((await consumer.info(true)).num_pending === 0) return;
    const messages = await consumer.consume({ max_messages: READ_AHEAD });
    let received = 0;
    const stop = (): void => messages.stop();
    signal?.addEventListener("abort", stop, { once: true });
    const doubt = setInterval(() => void stopIfDry(), DOUBT_MS);
    const stopIfDry = async (): Promise<void> => {
      const info = await consumer.info().catch(() => undefined);
      if (info?.num_pending === 0 && info.delivered.consumer_seq <= received) messages.stop();
    };
    try {
      for await (const message of messages) {
        signal?.throwIfAborted();
        doubt.refresh();
        received = message.info.deliverySequence;
        if (read.throughSeq !== undefined && message.seq > read.throughSeq) return;
        yield message;
        if (message.info.pending === 0 || message.seq === read.throughSeq) return;
      }
      signal?.throwIfAborted();
    } finally {
      clearInterval(doubt);
      signal?.removeEventListener("abort", stop);
      messages.stop();
    }
  } finally {
    // Otherwise the server keeps it for five minutes; if it is lost, no harm.
    await consumer.delete().catch(() => {});
  }
}

export interface BucketEntry {
  readonly key: string;
  /** Undefined: deleted or expired. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

export interface BucketWatch {
  /** Resolves when every entry that there was at the start has been seen. */
  readonly ready: Promise<void>;
  stop(): void;
}

/**
 * Calls `onEntry` with every entry that there is and with every change; goes on after the server was away. `keys`: which
 * ones, with wildcards; default all.
 */
export async function watchBucket(
  nc: NatsConnection,
  bucket: string,
  onEntry: (entry: BucketEntry) => void,
  keys = ">",
): Promise<BucketWatch> {
  const prefix = `$KV.${bucket}.`;
  const consumer = await jetstream(nc).consumers.get(bucketStream(bucket), {
    filter_subjects: prefix + keys,
    deliver_policy: "last_per_subject",
  });
  let markReady = () => {};
  const ready = new Promise<void>((done) => {
    markReady = done;
  });
  if ((await consumer.info(true)).num_pending === 0) markReady();
  const messages: ConsumerMessages = await consumer.consume({
    max_messages: READ_AHEAD,
    idle_heartbeat: IDLE_HEARTBEAT_MS,
    callback: (message) => {
      onEntry({ key: message.subject.slice(prefix.length), value: liveValue(message), revision: message.seq });
      if (message.info.pending === 0) markReady();
    },
  });
  return { ready, stop: () => messages.stop() };
}

/** The value in a message of a bucket's stream; undefined when it says that the key was deleted or has expired. */
export function liveValue(message: JsMsg): Uint8Array | undefined {
  const deleted = message.headers?.has("KV-Operation") || message.headers?.has("Nats-Marker-Reason");
  return deleted === true ? undefined : message.data;
}
