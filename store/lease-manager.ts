/**
 * Shares the partitions out among the orchestrators, through the bucket `rayflow_leases`, whose entries end by
 * themselves when nobody renews them.
 *
 * M1. A partition's entry is made by a write that fails when there is one, and renewed from the revision last written:
 *     so at most one replica holds it by the server's clock.
 * M2. A replica that could not renew in time calls it lost before the server does, by its own monotonic clock.
 * M3. Every replica knows all members and computes the same quotas from them; it takes free partitions up to its own
 *     quota and gives back what is above.
 * M4. `onLost` is through before a partition that is given back becomes free.
 * M5. Two that hold one partition all the same (a stopped clock, a paused process) do no harm: see the fold.
 */
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { BUCKETS, encodeMessage, type RefusalCounter, subjectToken } from "../nats/index.ts";
import { type BucketEntry, type BucketWatch, isConflict, isLive, openBucket, watchBucket } from "./bucket.ts";
import { quotaOf } from "./lease-quota.ts";
import { LeaseView, memberKey, partitionKey } from "./lease-view.ts";

export interface LeaseManagerOptions {
  /** Tells replicas apart; fit for a subject. */
  readonly id: string;
  readonly partitions: number;
  /** `epoch` grows with every change of hands. */
  readonly onAcquired: (partition: number, epoch: number) => void | Promise<void>;
  /** `released`: this replica gave it back; `lost`: it could not keep it. */
  readonly onLost: (partition: number, why: "released" | "lost") => void | Promise<void>;
}

interface Held {
  /** Revision of the entry when it was taken. */
  readonly epoch: number;
  revision: number;
  /** When the last renewal that succeeded was sent, ms by the monotonic clock. */
  renewedAt: number;
}

/** What of a TTL may pass without a renewal before this replica calls a lease lost. */
const SAFE_SHARE = 0.9;
/** Longest wait for the server when leaving: what is not given back by then ends by itself. */
const LEAVE_TIMEOUT_MS = 2_000;

export class LeaseManager {
  readonly #options: LeaseManagerOptions;
  readonly #nc: NatsConnection;
  readonly #kv: KV;
  readonly #ttlMs: number;
  readonly #held = new Map<number, Held>();
  readonly #view: LeaseView;
  /** Partitions that the caller gave back because it cannot drive them: until when to leave them alone. */
  readonly #shunned = new Map<number, number>();
  #watch: BucketWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #balancing: Promise<void> = Promise.resolve();
  #queued = false;
  #stopped = false;

  private constructor(nc: NatsConnection, kv: KV, ttlMs: number, options: LeaseManagerOptions) {
    subjectToken(options.id);
    this.#nc = nc;
    this.#kv = kv;
    this.#options = options;
    this.#ttlMs = ttlMs;
    this.#view = new LeaseView(options.id, ttlMs);
  }

  static async open(nc: NatsConnection, options: LeaseManagerOptions): Promise<LeaseManager> {
    const kv = await openBucket(nc, BUCKETS.leases);
    return new LeaseManager(nc, kv, (await kv.status()).ttl, options);
  }

  /** The partitions that are held now, with their epochs. */
  get held(): ReadonlyMap<number, number> {
    return new Map([...this.#held].map(([partition, { epoch }]) => [partition, epoch]));
  }

  /** Whether this replica holds a partition by this moment of the monotonic clock, whatever its timers have had time for. */
  isHeld(partition: number): boolean {
    const held = this.#held.get(partition);
    return held !== undefined && performance.now() - held.renewedAt < this.#ttlMs;
  }

  /** The members that live, this one among them, in order. */
  get members(): string[] {
    return this.#view.members;
  }

  /** Entries that somebody else spoiled. */
  get refusals(): RefusalCounter {
    return this.#view.refusals;
  }

  /** Joins; resolves when the partitions that were free and due to this replica are taken. A lone one takes all at once. */
  async start(): Promise<void> {
    const [watch] = await Promise.all([
      watchBucket(this.#nc, BUCKETS.leases, (entry) => this.#see(entry)),
      this.#kv.put(this.#memberKey, this.#content),
    ]);
    this.#watch = watch;
    await watch.ready;
    await this.#balance();
    this.#schedule();
  }

  /** Gives one partition back because it cannot be driven here; another replica takes it, or this one after a while. */
  async release(partition: number): Promise<void> {
    this.#shunned.set(partition, performance.now() + this.#ttlMs);
    await this.#giveBack(partition);
  }

  /** Leaves: gives everything back, so that others need not wait for it to end. */
  async releaseAll(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#watch?.stop();
    const leaving = async () => {
      await this.#balancing;
      await Promise.all([...this.#held.keys()].map((partition) => this.#giveBack(partition)));
      await this.#kv.delete(this.#memberKey).catch(ignore);
    };
    await Promise.race([leaving(), unrefDelay(LEAVE_TIMEOUT_MS)]);
  }

  get #memberKey(): string {
    return memberKey(this.#options.id);
  }

  get #content(): Uint8Array {
    return encodeMessage({ v: 1, id: this.#options.id });
  }

  #see(entry: BucketEntry): void {
    if (this.#view.see(entry) && this.#watch !== undefined) this.#balanceSoon();
  }

  // ------------------------------------------------------------------------- our share

  #balanceSoon(): void {
    if (this.#queued || this.#stopped) return;
    this.#queued = true;
    void this.#balance();
  }

  /** One at a time, and never a failure: the next tick tries again. */
  #balance(): Promise<void> {
    this.#balancing = this.#balancing.then(async () => {
      this.#queued = false;
      if (!this.#stopped) await this.#takeAndGive().catch(ignore);
    });
    return this.#balancing;
  }

  async #takeAndGive(): Promise<void> {
    const { id, partitions } = this.#options;
    const quota = quotaOf(id, this.members, partitions);
    const surplus = [...this.#held.keys()].sort((a, b) => b - a).slice(0, Math.max(0, this.#held.size - quota));
    await Promise.all(surplus.map((partition) => this.#giveBack(partition)));
    const wanted = quota - this.#held.size;
    if (wanted <= 0) return;
    const now = performance.now();
    const free = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) =>
        !this.#held.has(partition) && this.#view.isFree(partition) && (this.#shunned.get(partition) ?? 0) <= now,
    );
    await Promise.all(free.slice(0, wanted).map((partition) => this.#take(partition)));
  }

  async #take(partition: number): Promise<void> {
    const key = partitionKey(partition);
    const sentAt = performance.now();
    let revision: number;
    try {
      revision = await this.#kv.put(key, this.#content, {
        previousSeq: this.#view.freeRevision(partition),
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
      // A marker that the watch has not told of, or somebody who was faster.
      const entry = await this.#kv.get(key);
      if (isLive(entry) && this.#view.ownerIn(key, entry.value) !== this.#options.id) {
        this.#see({ key, value: entry.value, revision: entry.revision });
        return;
      }
      try {
        revision = await this.#kv.put(key, this.#content, { previousSeq: entry?.revision ?? 0 });
      } catch (again) {
        if (isConflict(again)) return;
        throw again;
      }
    }
    if (this.#stopped) {
      await this.#kv.delete(key, { previousSeq: revision }).catch(ignore);
      return;
    }
    this.#held.set(partition, { epoch: revision, revision, renewedAt: sentAt });
    await run(() => this.#options.onAcquired(partition, revision));
  }

  async #giveBack(partition: number): Promise<void> {
    const held = this.#held.get(partition);
    if (held === undefined) return;
    await this.#lose(partition, "released");
    await this.#kv.delete(partitionKey(partition), { previousSeq: held.revision }).catch(ignore);
  }

  async #lose(partition: number, why: "released" | "lost"): Promise<void> {
    if (this.#held.delete(partition)) await run(() => this.#options.onLost(partition, why));
  }

  // --------------------------------------------------------------------------- renewal

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#tick(), this.#untilNextLook());
    this.#timer.unref();
  }

  /** A third of a TTL, or less when a lease is to be called lost before. */
  #untilNextLook(): number {
    const now = performance.now();
    let wait = this.#ttlMs / 3;
    for (const { renewedAt } of this.#held.values()) wait = Math.min(wait, renewedAt + this.#ttlMs * SAFE_SHARE - now);
    return Math.max(10, wait);
  }

  async #tick(): Promise<void> {
    this.#dropExpired();
    // A renewal that hangs must not keep the clock from being looked at.
    const renewing = Promise.all([
      this.#kv.put(this.#memberKey, this.#content).catch(ignore),
      ...[...this.#held].map(([partition, held]) => this.#renew(partition, held)),
    ]);
    await Promise.race([renewing, unrefDelay(this.#untilNextLook())]);
    if (this.#stopped) return;
    this.#dropExpired();
    this.#view.forgetOldMembers();
    this.#balanceSoon();
    this.#schedule();
  }

  /** M2. The last renewal may reach the server a little after it was sent, never before: so the count starts at sending. */
  #dropExpired(): void {
    const oldest = performance.now() - this.#ttlMs * SAFE_SHARE;
    for (const [partition, { renewedAt }] of this.#held) if (renewedAt <= oldest) void this.#lose(partition, "lost");
  }

  async #renew(partition: number, held: Held): Promise<void> {
    const key = partitionKey(partition);
    const sentAt = performance.now();
    try {
      held.revision = await this.#kv.put(key, this.#content, { previousSeq: held.revision });
      held.renewedAt = sentAt;
    } catch (error) {
      if (!isConflict(error)) return;
      // An earlier renewal whose answer was lost looks like this too.
      const entry = await this.#kv.get(key).catch(() => undefined);
      if (entry === undefined) return;
      if (isLive(entry) && this.#view.ownerIn(key, entry.value) === this.#options.id) held.revision = entry.revision;
      else if (this.#held.get(partition) === held) await this.#lose(partition, "lost");
    }
  }
}

/** What the caller does with the news is the caller's; a failure there must not stop the renewals. */
async function run(callback: () => void | Promise<void>): Promise<void> {
  try {
    await callback();
  } catch {
    // It has its own log.
  }
}

function unrefDelay(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms).unref();
  });
}

function ignore(): void {}
