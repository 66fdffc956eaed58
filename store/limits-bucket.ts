/**
 * The bucket `rayflow_limits` as what is shared there uses it: entries that pass by themselves, changed by
 * compare-and-set.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { BUCKETS, bucketStream, decodeMessage, encodeMessage } from "../nats/index.ts";
import { isConflict } from "./bucket.ts";
import { sitOut } from "./sit-out.ts";

const STREAM = bucketStream(BUCKETS.limits);
const MAX_TRIES = 200;
const MAX_BACKOFF_MS = 50;
/** How long the word of a deletion stays: no longer than who remembers its revision needs it. */
const MARKER_TTL = "60s";

export interface LimitsEntry {
  /** Undefined: there is none, or no longer. */
  readonly data: Uint8Array | undefined;
  /** Of the last message of this key, a marker included; 0 when there never was one. */
  readonly revision: number;
}

export class LimitsBucket {
  readonly #js: JetStreamClient;
  readonly #jsm: Promise<JetStreamManager>;
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(nc: NatsConnection) {
    this.#js = jetstream(nc);
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#jsm.catch(() => {});
  }

  async read(key: string): Promise<LimitsEntry> {
    const jsm = await this.#jsm;
    try {
      // The leader's word: a replica may not know of the last change yet.
      const message = await jsm.streams.getMessage(STREAM, { last_by_subj: subjectOf(key) });
      if (message === null) return { data: undefined, revision: 0 };
      const marker = message.header?.has("KV-Operation") || message.header?.has("Nats-Marker-Reason");
      return { data: marker ? undefined : message.data, revision: message.seq };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10037) return { data: undefined, revision: 0 };
      throw error;
    }
  }

  /** Gives the new revision. Rejects with a conflict (`isConflict`) when `revision` is not the last one. */
  async write(key: string, value: unknown, ttlMs: number, revision?: number): Promise<number> {
    const ack = await this.#js.publish(subjectOf(key), encodeMessage(value), {
      ttl: seconds(ttlMs),
      ...(revision === undefined ? {} : { expect: { lastSubjectSequence: revision } }),
    });
    return ack.seq;
  }

  /** Gives the revision of the marker that stays for a minute. */
  async remove(key: string, revision?: number): Promise<number> {
    const h = headers();
    h.set("KV-Operation", "DEL");
    const ack = await this.#js.publish(subjectOf(key), undefined, {
      headers: h,
      ttl: MARKER_TTL,
      ...(revision === undefined ? {} : { expect: { lastSubjectSequence: revision } }),
    });
    return ack.seq;
  }

  /**
   * Changes an entry: `change` sees what it is and says what it shall be, or nothing to leave it. Callers of this process
   * queue up per key, so that only others are competitors. An entry that cannot be read counts as none.
   */
  async update<S extends z.ZodType, R>(
    key: string,
    schema: S,
    change: (before: z.output<S> | undefined) => { readonly result: R; readonly write?: z.input<S>; ttlMs?: number },
  ): Promise<R> {
    return this.#inTurn(key, async () => {
      for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
        const { data, revision } = await sitOut(() => this.read(key));
        const decoded = data === undefined ? undefined : decodeMessage(schema, data);
        const { result, write, ttlMs = 60_000 } = change(decoded?.ok ? decoded.value : undefined);
        if (write === undefined) return result;
        try {
          await this.write(key, write, ttlMs, revision);
          return result;
        } catch (error) {
          if (!isConflict(error)) throw error;
          await delay(Math.random() * Math.min(MAX_BACKOFF_MS, 2 ** attempt));
        }
      }
      throw new RayflowError("StoreConflict", `the limit ${key} is changed by others all the time`);
    });
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }
}

function subjectOf(key: string): string {
  return `$KV.${BUCKETS.limits}.${key}`;
}

/** The server counts in whole seconds. */
function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1_000))}s`;
}
