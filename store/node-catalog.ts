/** The node types that there are, as the actors declared them in the bucket `rayflow_catalog`: one entry each. */
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { type NodeType, nodeType } from "../flow/index.ts";
import { BUCKETS, bucketStream, decodeMessage, encodeMessage, RefusalCounter, subjectToken } from "../nats/index.ts";
import {
  type BucketEntry,
  type BucketWatch,
  isLive,
  liveValue,
  openBucket,
  readBounded,
  watchBucket,
} from "./bucket.ts";

export interface CatalogWatch {
  /** Resolves when `types` holds all that there was at the start. */
  readonly ready: Promise<void>;
  stop(): void;
}

export class NodeCatalog {
  readonly #nc: NatsConnection;
  readonly #kv: KV;
  readonly #types = new Map<string, NodeType>();
  #revision = 0;
  /** Entries that are no node types: actors in any language write here. */
  readonly refusals = new RefusalCounter();

  private constructor(nc: NatsConnection, kv: KV) {
    this.#nc = nc;
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<NodeCatalog> {
    return new NodeCatalog(nc, await openBucket(nc, BUCKETS.catalog));
  }

  /** What the last `list` or a running `watch` saw. */
  get types(): ReadonlyMap<string, NodeType> {
    return this.#types;
  }

  /** Another number whenever `types` may have changed. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Declares node types; only what differs from what is there is written. Gives how many that were. Reads and writes the
   * entries of these types alone: an actor may have the right to no others.
   */
  async register(types: readonly NodeType[]): Promise<number> {
    const written = await Promise.all(
      types.map(async (type) => {
        const key = subjectToken(type.type);
        const bytes = encodeMessage(type);
        const before = await this.#kv.get(key);
        if (isLive(before) && Buffer.compare(before.value, bytes) === 0) return false;
        await this.#kv.put(key, bytes);
        return true;
      }),
    );
    return written.filter(Boolean).length;
  }

  async list(): Promise<NodeType[]> {
    const stored = await this.#readAll();
    this.#types.clear();
    for (const [key, value] of stored) this.#apply({ key, value, revision: 0 });
    return [...this.#types.values()];
  }

  /** Keeps `types` up to date until `stop`; calls back with each type that came, changed or (undefined) went. */
  async watch(onChange: (type: string, now: NodeType | undefined) => void = () => {}): Promise<CatalogWatch> {
    const watch: BucketWatch = await watchBucket(this.#nc, BUCKETS.catalog, (entry) => {
      this.#apply(entry);
      onChange(entry.key, this.#types.get(entry.key));
    });
    return watch;
  }

  #apply({ key, value }: BucketEntry): void {
    this.#revision++;
    if (value === undefined) {
      this.#types.delete(key);
      return;
    }
    const decoded = decodeMessage(nodeType, value);
    if (decoded.ok && decoded.value.type === key) {
      this.#types.set(key, decoded.value);
      return;
    }
    this.#types.delete(key);
    this.refusals.add(`${BUCKETS.catalog}.${key}`, decoded.ok ? `declares ${decoded.value.type}` : decoded.reason);
  }

  async #readAll(): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const prefix = `$KV.${BUCKETS.catalog}.`;
    const messages = readBounded(jetstream(this.#nc), {
      stream: bucketStream(BUCKETS.catalog),
      filter: `${prefix}*`,
      deliver: DeliverPolicy.LastPerSubject,
    });
    for await (const message of messages) {
      const value = liveValue(message);
      if (value !== undefined) found.set(message.subject.slice(prefix.length), value);
    }
    return found;
  }
}
