/**
 * What was asked for under each task id, in the bucket `rayflow_deliberations`, by the deliberation's id.
 *
 * T1. The first writer wins, whichever process he asks; the record is there before the run is submitted.
 * T2. A record says what was asked, never how it went: that is the log's.
 * T3. Role and agents are in the headers: who counts councils reads no bodies.
 */
import { createHash } from "node:crypto";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import {
  bucketStream,
  DELIBERATION_BUCKETS,
  decodeMessage,
  encodeMessage,
  ensureTopology,
  errorInfo,
} from "../nats/index.ts";
import { isConflict } from "../store/index.ts";

export const RECORDS_BUCKET = DELIBERATION_BUCKETS.records;

const councilSeat = z.object({ id: z.string(), role: z.string(), model: z.string() });
export type CouncilSeat = z.infer<typeof councilSeat>;

export const taskRecord = z.object({
  v: z.literal(1),
  task_id: z.string(),
  deliberation_id: z.string(),
  /** Of all that was asked: tells a repetition from another task under the same id. */
  fingerprint: z.string(),
  /** As much of it as a list shows. */
  task_description: z.string(),
  role: z.string(),
  agents: z.array(councilSeat),
  plan_id: z.string().optional(),
  story_id: z.string().optional(),
  /** ms since 1970. */
  created_ms: z.number(),
  /** Why the run was never begun. */
  refused: errorInfo.optional(),
});
export type TaskRecord = z.infer<typeof taskRecord>;

/** Header names of a record. */
export const recordHeaders = { council: "Rayflow-Council" } as const;
export const recordCouncil = z.object({ role: z.string(), agents: z.array(councilSeat), created_ms: z.number() });

const DAY_MS = 24 * 60 * 60 * 1000;
/** A record outlives its run in the history. */
const MARGIN_MS = DAY_MS;
const TIMEOUT_MS = 5_000;

export class TaskRecords {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;

  private constructor(js: JetStreamClient, jsm: JetStreamManager) {
    this.#js = js;
    this.#jsm = jsm;
  }

  /** Makes the bucket where there is none. */
  static async open(nc: NatsConnection): Promise<TaskRecords> {
    const { settings, replicas } = await ensureTopology(nc);
    const js = jetstream(nc, { timeout: TIMEOUT_MS });
    const ttl = settings.historyMaxAgeMs + MARGIN_MS;
    await new Kvm(js).create(RECORDS_BUCKET, { history: 1, ttl, replicas });
    return new TaskRecords(js, await jetstreamManager(nc, { checkAPI: false, timeout: TIMEOUT_MS }));
  }

  /** The record that stands: this one, or the one that was there before. */
  async claim(record: TaskRecord): Promise<TaskRecord> {
    try {
      await this.#put(record, 0);
      return record;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    const { value } = await this.#read(record.deliberation_id);
    if (value === undefined) throw new RayflowError("StoreConflict", `the record of ${record.task_id} is gone again`);
    return value;
  }

  async find(deliberationId: string): Promise<TaskRecord | undefined> {
    return (await this.#read(deliberationId)).value;
  }

  /** Writes down that the run was never begun, or, with undefined, that it is to be tried again. */
  async refuse(deliberationId: string, refused: TaskRecord["refused"]): Promise<void> {
    const { value, revision } = await this.#read(deliberationId);
    if (value === undefined) return;
    const { refused: _, ...rest } = value;
    await this.#put(refused === undefined ? rest : { ...rest, refused }, revision).catch((error: unknown) => {
      // Somebody else has just said something of it.
      if (!isConflict(error)) throw error;
    });
  }

  async #put(record: TaskRecord, revision: number): Promise<void> {
    const { role, agents, created_ms } = record;
    const made = headers();
    made.set(recordHeaders.council, Buffer.from(JSON.stringify({ role, agents, created_ms })).toString("base64url"));
    await this.#js.publish(`$KV.${RECORDS_BUCKET}.${record.deliberation_id}`, encodeMessage(record), {
      headers: made,
      expect: { lastSubjectSequence: revision },
    });
  }

  async #read(id: string): Promise<{ value: TaskRecord | undefined; revision: number }> {
    const subject = `$KV.${RECORDS_BUCKET}.${id}`;
    // Not a direct get: a replica may not have it yet.
    const message = await this.#jsm.streams.getMessage(bucketStream(RECORDS_BUCKET), { last_by_subj: subject });
    if (message === null || message.data.length === 0) return { value: undefined, revision: message?.seq ?? 0 };
    const decoded = decodeMessage(taskRecord, message.data);
    return { value: decoded.ok ? decoded.value : undefined, revision: message.seq };
  }
}

/** The same for what is the same, however its keys are ordered. */
export function fingerprintOf(asked: unknown): string {
  const sorted = (_: string, part: unknown): unknown =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return createHash("sha256").update(JSON.stringify(asked, sorted)).digest("base64url");
}
