/**
 * What one replica has seen of the lease bucket: who the members are, which partitions are taken.
 *
 * Whoever holds an entry renews it three times a TTL; one that has been silent for longer has ended, told of it or not.
 */
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { BUCKETS, bucketStream, decodeMessage, RefusalCounter } from "../nats/index.ts";
import { type BucketEntry, liveValue, readBounded } from "./bucket.ts";

const lease = z.object({ v: z.literal(1), id: z.string() });
const MEMBER = "member.";
/** In TTLs: a renewal may be late on its way here. */
const PATIENCE = 1.25;
/** In TTLs: how long a member that has gone is remembered. */
const MEMORY = 10;

interface Seen {
  /** Undefined: given back, or ended. */
  readonly owner: string | undefined;
  readonly revision: number;
  /** ms by the monotonic clock. */
  readonly at: number;
}

export function memberKey(id: string): string {
  return MEMBER + id;
}

export function partitionKey(partition: number): string {
  return `p.${partition}`;
}

/** Who holds which partition by the bucket's own account; `?` is somebody who cannot be read. */
export async function leaseOwners(nc: NatsConnection): Promise<Map<number, string>> {
  const prefix = `$KV.${BUCKETS.leases}.`;
  const owners = new Map<number, string>();
  const messages = readBounded(jetstream(nc), {
    stream: bucketStream(BUCKETS.leases),
    filter: `${prefix}p.*`,
    deliver: DeliverPolicy.LastPerSubject,
  });
  for await (const message of messages) {
    const value = liveValue(message);
    if (value === undefined) continue;
    const decoded = decodeMessage(lease, value);
    owners.set(Number(message.subject.slice(prefix.length + 2)), decoded.ok ? decoded.value.id : "?");
  }
  return owners;
}

export class LeaseView {
  readonly refusals = new RefusalCounter();
  readonly #id: string;
  readonly #ttlMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(id: string, ttlMs: number) {
    this.#id = id;
    this.#ttlMs = ttlMs;
  }

  /** Whether the owner of the entry is another one now. */
  see({ key, value, revision }: BucketEntry): boolean {
    const before = this.#seen.get(key);
    if (before !== undefined && before.revision > revision) return false;
    const owner = this.ownerIn(key, value);
    this.#seen.set(key, { owner, revision, at: performance.now() });
    return before === undefined || before.owner !== owner;
  }

  ownerIn(key: string, value: Uint8Array | undefined): string | undefined {
    if (value === undefined) return undefined;
    const decoded = decodeMessage(lease, value);
    if (decoded.ok) return decoded.value.id;
    this.refusals.add(`${BUCKETS.leases}.${key}`, decoded.reason);
    // Whoever wrote it, the entry is taken until it ends.
    return "?";
  }

  /** The members that live, this one among them, in order. */
  get members(): string[] {
    const ids = new Set([this.#id]);
    for (const [key, seen] of this.#seen) {
      if (key.startsWith(MEMBER) && this.#lives(seen)) ids.add(key.slice(MEMBER.length));
    }
    return [...ids].sort();
  }

  isFree(partition: number): boolean {
    const seen = this.#seen.get(partitionKey(partition));
    return seen === undefined || !this.#lives(seen) || seen.owner === this.#id;
  }

  /** The revision that an entry that is free has to be made from: that of its marker, if one was seen. */
  freeRevision(partition: number): number {
    const seen = this.#seen.get(partitionKey(partition));
    return seen === undefined || seen.owner !== undefined ? 0 : seen.revision;
  }

  forgetOldMembers(): void {
    const old = performance.now() - MEMORY * this.#ttlMs;
    for (const [key, { at }] of this.#seen) if (key.startsWith(MEMBER) && at < old) this.#seen.delete(key);
  }

  #lives({ owner, at }: Seen): boolean {
    return owner !== undefined && performance.now() - at < PATIENCE * this.#ttlMs;
  }
}
