/**
 * Flows and their node types by content hash, in the bucket `rayflow_blueprints`: what runs of one flow share is stored
 * once, and their messages name it instead of carrying it.
 *
 * U1. A hash is handed out only when its content is stored; what is under a hash never changes.
 * U2. The bucket forgets what was not used for longer than the history is kept: who uses a hash puts its content there
 *     again about once a day.
 * U3. A message of the log may name anything. What is no hash is not there: the server refuses it as a key, and who took
 *     that for a failure would ask again for ever.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { flow, nodeType, RayflowError } from "../flow/index.ts";
import { BUCKETS, decodeMessage, type SubmittedMessage } from "../nats/index.ts";
import { isLive, openBucket } from "./bucket.ts";

/** What a run needs of its flow. */
export type FlowAndTypes = Pick<SubmittedMessage, "flow" | "types">;

const stored = z.object({ v: z.literal(1), flow, types: z.array(nodeType) });

/** SHA-256 in base64url. */
const HASH = /^[A-Za-z0-9_-]{43}$/;

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const GZIP_LEVEL = 1;
const MAX_KNOWN = 1_000;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const ENTRY_ROOM_BYTES = 4_096;
/** How long after it was stored a blueprint is stored again at its next use, ms. */
const REFRESH_MS = 24 * 60 * 60 * 1000;

interface Known {
  readonly content: FlowAndTypes;
  /** When this process has put it there last, ms since 1970; 0: it has only read it. */
  readonly storedAt: number;
}

export class BlueprintStore {
  readonly #nc: NatsConnection;
  #bucket: Promise<KV> | undefined;
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<FlowAndTypes | undefined>>();
  readonly #storing = new Map<string, Promise<boolean>>();
  /** Hashing a flow costs more than all the rest of a submission. */
  readonly #hashes = new WeakMap<object, string>();

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /**
   * The hash under which a flow and its types are stored from now on; undefined when they are too large for an entry.
   * The same two objects again cost nothing.
   */
  async keep({ flow, types }: FlowAndTypes): Promise<string | undefined> {
    const content = { flow, types };
    const known = this.#hashes.get(flow);
    const json = known === undefined ? JSON.stringify({ v: 1, ...content }) : undefined;
    const hash =
      known ??
      createHash("sha256")
        .update(json ?? "")
        .digest("base64url");
    if (known === undefined) this.#hashes.set(flow, hash);
    return (await this.#refresh(hash, content)) ? hash : undefined;
  }

  /** Makes sure that a blueprint that is in use stays. */
  async touch(hash: string, content: FlowAndTypes): Promise<void> {
    if (HASH.test(hash)) await this.#refresh(hash, content);
  }

  /** What this process knows without asking. */
  find(hash: string): FlowAndTypes | undefined {
    return this.#known.get(hash)?.content;
  }

  /** Undefined when there is none. @throws MalformedMessage when it cannot be read */
  read(hash: string): Promise<FlowAndTypes | undefined> {
    const known = this.find(hash);
    if (known || !HASH.test(hash)) return Promise.resolve(known);
    const reading = this.#reading.get(hash) ?? this.#read(hash).finally(() => this.#reading.delete(hash));
    this.#reading.set(hash, reading);
    return reading;
  }

  async #read(hash: string): Promise<FlowAndTypes | undefined> {
    const entry = await (await this.#open()).get(hash);
    if (!isLive(entry)) return undefined;
    const json = await decompress(entry.value, { maxOutputLength: MAX_UNPACKED_BYTES }).catch(() => undefined);
    const decoded = json && decodeMessage(stored, json);
    if (!decoded?.ok) throw new RayflowError("MalformedMessage", `the blueprint ${hash} cannot be read`);
    const { flow, types } = decoded.value;
    const content = { flow, types };
    this.#hashes.set(flow, hash);
    this.#remember(hash, { content, storedAt: 0 });
    return content;
  }

  /** False when it is too large. Of several who ask at once, one stores it. */
  async #refresh(hash: string, content: FlowAndTypes): Promise<boolean> {
    const known = this.#known.get(hash);
    if (known && Date.now() - known.storedAt < REFRESH_MS) return true;
    const whole = known?.content ?? content;
    const storing = this.#storing.get(hash) ?? this.#store(hash, whole).finally(() => this.#storing.delete(hash));
    this.#storing.set(hash, storing);
    return storing;
  }

  async #store(hash: string, content: FlowAndTypes): Promise<boolean> {
    this.#hashes.set(content.flow, hash);
    const packed = await compress(JSON.stringify({ v: 1, ...content }), { level: GZIP_LEVEL });
    if (packed.length > (this.#nc.info?.max_payload ?? 1 << 20) - ENTRY_ROOM_BYTES) return false;
    await (await this.#open()).put(hash, packed);
    this.#remember(hash, { content, storedAt: Date.now() });
    return true;
  }

  #remember(hash: string, known: Known): void {
    this.#known.set(hash, known);
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN && !oldest.done) this.#known.delete(oldest.value);
  }

  #open(): Promise<KV> {
    this.#bucket ??= openBucket(this.#nc, BUCKETS.blueprints).catch((error: unknown) => {
      this.#bucket = undefined;
      throw error;
    });
    return this.#bucket;
  }
}

const stores = new WeakMap<NatsConnection, BlueprintStore>();

/** The blueprints as seen over a connection: its readers and writers share what they know. */
export function blueprintsOn(nc: NatsConnection): BlueprintStore {
  let store = stores.get(nc);
  if (!store) {
    store = new BlueprintStore(nc);
    stores.set(nc, store);
  }
  return store;
}
