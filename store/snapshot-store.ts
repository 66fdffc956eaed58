/**
 * Snapshots of runs, in the bucket `rayflow_checkpoints`: `s.<partition>.<run>` is where a run stands, `g.<hash>` the
 * flow and node types that any number of runs share.
 *
 * N1. A snapshot is only replaced from the revision that was last seen: an orchestrator that has lost its partition
 *     cannot put an older one in the place of a newer.
 * N2. What a list needs stands in headers: a hundred thousand runs are listed without reading one of them.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import {
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { BUCKETS, bucketStream, subjectToken } from "../nats/index.ts";
import { isConflict, isLive, openBucket, readBounded } from "./bucket.ts";

/** What is known of a stored snapshot without reading it. */
export interface SnapshotMark {
  /** The last message of the log that is folded into it. */
  readonly seq: number;
  /** Sequence of the run's first message. */
  readonly firstSeq: number;
  /** Executions that were in flight. */
  readonly inFlight: number;
  /** Of the entry: what a later write must name. */
  readonly revision: number;
}

/** The part that runs of one flow share. */
export interface SharedPart {
  readonly flow: unknown;
  readonly types: unknown;
}

export interface StoredSnapshot {
  readonly snapshot: unknown;
  readonly shared: SharedPart;
}

const HEADERS = { seq: "Rayflow-Seq", first: "Rayflow-First-Seq", inFlight: "Rayflow-In-Flight", body: "Rayflow-Body" };
const compress = promisify(gzip);
const decompress = promisify(gunzip);
const GZIP_LEVEL = 1;
const MAX_BODY_BYTES = 900 * 1024;
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;
const MAX_SHARED_KNOWN = 1_000;

export class SnapshotStore {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #kv: KV;
  /** Shared parts by hash: those that are stored for sure, and those that were read. */
  readonly #shared = new Map<string, SharedPart>();

  private constructor(nc: NatsConnection, jsm: JetStreamManager, kv: KV) {
    this.#js = jetstream(nc);
    this.#jsm = jsm;
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<SnapshotStore> {
    const [jsm, kv] = await Promise.all([
      jetstreamManager(nc, { checkAPI: false }),
      openBucket(nc, BUCKETS.checkpoints),
    ]);
    return new SnapshotStore(nc, jsm, kv);
  }

  /**
   * Stores where a run stands; gives the revision.
   * @throws StoreConflict when somebody else wrote in between: the partition is no longer this one's
   */
  async write(
    partition: number,
    run: string,
    stored: StoredSnapshot,
    mark: Omit<SnapshotMark, "revision">,
    revision: number,
  ): Promise<number> {
    const hash = await this.#keepShared(stored.shared);
    const packed = await compress(JSON.stringify({ v: 1, shared: hash, snapshot: stored.snapshot }), {
      level: GZIP_LEVEL,
    });
    const head = headers();
    head.set(HEADERS.seq, String(mark.seq));
    head.set(HEADERS.first, String(mark.firstSeq));
    head.set(HEADERS.inFlight, String(mark.inFlight));
    const inline = packed.length <= MAX_BODY_BYTES;
    if (!inline) {
      // By sequence, so that a failed write leaves the object of the snapshot that still counts alone.
      await (await this.#objects()).putBlob({ name: objectName(run, mark.seq) }, packed);
      head.set(HEADERS.body, "object");
    }
    try {
      const ack = await this.#js.publish(keySubject(partition, run), inline ? packed : new Uint8Array(), {
        headers: head,
        expect: { lastSubjectSequence: revision },
      });
      return ack.seq;
    } catch (cause) {
      if (!isConflict(cause)) throw cause;
      throw new RayflowError("StoreConflict", `another orchestrator wrote the snapshot of ${run}`, {
        cause,
        retryable: false,
      });
    }
  }

  /** Undefined when there is none. @throws MalformedMessage when it cannot be read */
  async read(partition: number, run: string): Promise<StoredSnapshot | undefined> {
    const message = await this.#last(partition, run);
    if (!message) return undefined;
    let packed: Uint8Array | null = message.data;
    if (message.header.get(HEADERS.body) === "object") {
      packed = await (await this.#objects()).getBlob(objectName(run, Number(message.header.get(HEADERS.seq))));
    }
    if (packed === null) throw new RayflowError("MalformedMessage", `the snapshot of ${run} has lost its object`);
    const { shared, snapshot } = await unpack(run, packed);
    return { snapshot, shared: await this.#readShared(shared) };
  }

  /** What is known of a run's snapshot without reading it; undefined when there is none. */
  async find(partition: number, run: string): Promise<SnapshotMark | undefined> {
    const message = await this.#last(partition, run);
    return message && markOf(message.header, message.seq);
  }

  /** The runs of a partition that have a snapshot. */
  async list(partition: number): Promise<Map<string, SnapshotMark>> {
    const found = new Map<string, SnapshotMark>();
    const prefix = keySubject(partition, "x").slice(0, -1);
    const messages = readBounded(this.#js, {
      stream: bucketStream(BUCKETS.checkpoints),
      filter: `${prefix}*`,
      deliver: DeliverPolicy.LastPerSubject,
      headersOnly: true,
    });
    for await (const { subject, headers: head, seq } of messages) {
      if (head && !head.has("KV-Operation")) found.set(subject.slice(prefix.length), markOf(head, seq));
    }
    return found;
  }

  /** Forgets a run's snapshot: it has ended. Leaves no marker behind. */
  async delete(partition: number, run: string): Promise<void> {
    await this.#jsm.streams.purge(bucketStream(BUCKETS.checkpoints), { filter: keySubject(partition, run) });
  }

  async #last(partition: number, run: string): Promise<StoredMsg | undefined> {
    const last_by_subj = keySubject(partition, run);
    const message = await this.#jsm.streams.getMessage(bucketStream(BUCKETS.checkpoints), { last_by_subj });
    return message === null || message.header.has("KV-Operation") ? undefined : message;
  }

  async #keepShared(shared: SharedPart): Promise<string> {
    const json = JSON.stringify(shared);
    const hash = createHash("sha256").update(json).digest("base64url");
    if (this.#shared.has(hash)) return hash;
    await this.#kv.put(`g.${hash}`, await compress(json, { level: GZIP_LEVEL }));
    this.#remember(hash, shared);
    return hash;
  }

  async #readShared(hash: string): Promise<SharedPart> {
    const known = this.#shared.get(hash);
    if (known) return known;
    const entry = await this.#kv.get(`g.${hash}`);
    if (!isLive(entry)) throw new RayflowError("MalformedMessage", `a snapshot's flow ${hash} is not there`);
    const shared = JSON.parse((await decompress(entry.value)).toString()) as SharedPart;
    this.#remember(hash, shared);
    return shared;
  }

  #remember(hash: string, shared: SharedPart): void {
    this.#shared.set(hash, shared);
    const oldest = this.#shared.keys().next();
    if (this.#shared.size > MAX_SHARED_KNOWN && !oldest.done) this.#shared.delete(oldest.value);
  }

  #objects() {
    return new Objm(this.#js).open(BUCKETS.blobs, false);
  }
}

async function unpack(run: string, packed: Uint8Array): Promise<{ shared: string; snapshot: unknown }> {
  try {
    const bytes = await decompress(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
    return JSON.parse(bytes.toString()) as { shared: string; snapshot: unknown };
  } catch (cause) {
    throw new RayflowError("MalformedMessage", `the snapshot of ${run} cannot be read`, { cause });
  }
}

function markOf(head: MsgHdrs, revision: number): SnapshotMark {
  const number = (name: string): number => Number(head.get(name));
  return { seq: number(HEADERS.seq), firstSeq: number(HEADERS.first), inFlight: number(HEADERS.inFlight), revision };
}

function keySubject(partition: number, run: string): string {
  return `$KV.${BUCKETS.checkpoints}.s.${partition}.${subjectToken(run)}`;
}

function objectName(run: string, seq: number): string {
  return `snapshot/${run}/${seq}`;
}
