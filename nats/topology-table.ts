/** Every stream and bucket of RayFlow with its configuration: one table, a function of the settings. */
import { DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, type StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { z } from "zod";
import { BUCKETS, bucketStream, objectStream, STREAMS } from "./names.ts";
import { subjects } from "./subjects.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A blueprint is stored again once a day while it is used; the rest is for clocks and stops of the whole system. */
const BLUEPRINT_MARGIN_MS = 7 * DAY_MS;

/** What a deployment may choose. It is kept beside the log, so that a process with no opinion changes nothing. */
export const topologySettings = z.object({
  /** How many partitions the runs are spread over. Fixed at set-up. */
  partitions: z.number().int().min(1).max(256).default(8),
  /** Copies of each stream in a cluster: 1, 3 or 5. */
  replicas: z.number().int().min(1).max(5).default(1),
  /** Where the dispatch queue lies. Fixed at set-up. */
  nodesStorage: z.enum(["memory", "file"]).default("memory"),
  /** How long finished runs are kept. 30 days. */
  historyMaxAgeMs: z
    .number()
    .positive()
    .default(30 * DAY_MS),
  /** Size of the history, bytes; -1 for no limit. */
  historyMaxBytes: z.number().int().default(-1),
  /** How long the idempotency key of a submission is remembered by the stream. */
  submitDuplicateWindowMs: z.number().positive().default(120_000),
  /** How long the stream drops a second copy of a result or a log entry. */
  logDuplicateWindowMs: z.number().positive().default(120_000),
  /** How long a lease lives without being renewed. */
  leaseTtlMs: z.number().min(1_000).default(5_000),
});
export type TopologySettings = z.infer<typeof topologySettings>;

export type NamedStream = Partial<StreamConfig> & { name: string };

/** The configuration of every stream, the log last. */
export function topologyTable(settings: TopologySettings): { others: NamedStream[]; log: NamedStream } {
  const all = { num_replicas: settings.replicas, max_consumers: -1 };
  const bucket = (name: string, more: Partial<StreamConfig> = {}): NamedStream => ({
    ...all,
    name: bucketStream(name),
    subjects: [`$KV.${name}.>`],
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    allow_direct: true,
    // Who may write one key must not be able to erase the bucket. Where markers are, the server insists on it.
    allow_rollup_hdrs: more.subject_delete_marker_ttl !== undefined,
    deny_delete: true,
    ...more,
  });
  return {
    others: [
      {
        ...all,
        name: STREAMS.submit,
        subjects: subjects.submitAll(),
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.File,
        duplicate_window: nanos(settings.submitDuplicateWindowMs),
      },
      {
        ...all,
        name: STREAMS.nodes,
        subjects: [subjects.nodeAll()],
        retention: RetentionPolicy.Workqueue,
        storage: settings.nodesStorage === "memory" ? StorageType.Memory : StorageType.File,
        duplicate_window: nanos(settings.logDuplicateWindowMs),
        allow_direct: true,
      },
      {
        ...all,
        name: STREAMS.history,
        subjects: [subjects.historyAll()],
        storage: StorageType.File,
        // Runs of one flow are alike: a block of them packs well.
        compression: StoreCompression.S2,
        max_age: nanos(settings.historyMaxAgeMs),
        max_bytes: settings.historyMaxBytes,
        allow_direct: true,
      },
      {
        ...all,
        name: STREAMS.timers,
        subjects: [subjects.timerAll(), subjects.fireAll()],
        // What fired is gone once it is acked; schedules have no consumer and stay until they fire.
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.File,
        allow_msg_schedules: true,
        allow_msg_ttl: true,
        // The server replaces a schedule of the same subject by a rollup.
        allow_rollup_hdrs: true,
        allow_direct: true,
      },
      bucket(BUCKETS.vars),
      bucket(BUCKETS.flows),
      bucket(BUCKETS.catalog),
      bucket(BUCKETS.checkpoints),
      bucket(BUCKETS.leases, {
        max_age: nanos(settings.leaseTtlMs),
        duplicate_window: nanos(Math.min(settings.leaseTtlMs, 120_000)),
        // A lease that ends by itself tells its watchers so.
        allow_msg_ttl: true,
        subject_delete_marker_ttl: nanos(Math.max(1_000, settings.leaseTtlMs)),
      }),
      // Used longer ago than any run that the history still tells of: no longer wanted.
      bucket(BUCKETS.blueprints, { max_age: nanos(settings.historyMaxAgeMs + BLUEPRINT_MARGIN_MS) }),
      bucket(BUCKETS.keys),
      bucket(BUCKETS.cache, { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(60_000) }),
      // Slots end by themselves when their holder does: their watchers hear of it by a marker.
      bucket(BUCKETS.limits, { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(60_000) }),
      {
        ...all,
        name: objectStream(BUCKETS.blobs),
        subjects: [`$O.${BUCKETS.blobs}.C.>`, `$O.${BUCKETS.blobs}.M.>`],
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        allow_direct: true,
        allow_rollup_hdrs: true,
      },
    ],
    log: {
      ...all,
      name: STREAMS.log,
      subjects: [subjects.resultAll(), subjects.runAll()],
      storage: StorageType.File,
      duplicate_window: nanos(settings.logDuplicateWindowMs),
      allow_direct: true,
      // Who may publish results must not be able to erase or forge those of others.
      allow_rollup_hdrs: false,
      deny_delete: true,
    },
  };
}
