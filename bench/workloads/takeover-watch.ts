/**
 * Watches an orchestrator take over, from outside: the leases it writes, and the steps it sends. A step is new when its
 * execution was never sent before; what a recovery sends again is not.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { BUCKETS } from "../../nats/index.ts";

const LONGEST_MS = 120_000;

/** By the monotonic clock, ms. */
export interface Takeover {
  readonly firstLease: number;
  readonly lastLease: number;
  /** The first step of a partition after its lease. */
  readonly firstStep: number;
  /** When the last partition had its first new step. */
  readonly everyPartition: number;
}

interface Dispatch {
  readonly entries: readonly { readonly id: string; readonly run: string; readonly partition: number }[];
}

export class TakeoverWatch {
  readonly #nc: NatsConnection;
  readonly #executions = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #partitions = new Set<number>();
  /** Who held a partition last. */
  readonly #holders = new Map<string, string>();
  readonly #taken = new Map<number, number>();
  readonly #stepped = new Map<number, number>();
  #watching = false;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    nc.subscribe("rayflow.node.*", { callback: (_, msg) => this.#step(msg) });
    nc.subscribe(`$KV.${BUCKETS.leases}.p.*`, { callback: (_, msg) => this.#lease(msg) });
  }

  /** Resolves when so many runs have been sent a step. */
  async runsSeen(count: number): Promise<void> {
    await until(
      () => this.#runs.size >= count,
      () => `${this.#runs.size} of ${count} runs have begun`,
    );
    // A lease is written anew every few seconds: who holds which one is known by now, or soon.
    await until(
      () => this.#holders.size >= this.#partitions.size,
      () => "not all leases were seen",
    );
  }

  /** From here on, what is seen counts as the take-over's. */
  async begin(): Promise<void> {
    await this.#nc.flush();
    this.#taken.clear();
    this.#stepped.clear();
    this.#watching = true;
  }

  /** Resolves when every partition has a new holder and has been sent a new step. */
  async takeover(): Promise<Takeover> {
    const all = [...this.#partitions];
    await until(
      () => all.every((partition) => this.#stepped.has(partition)),
      () => `${this.#taken.size} partitions were taken over, ${this.#stepped.size} of ${all.length} go on`,
    );
    this.#watching = false;
    const leases = [...this.#taken.values()];
    const steps = [...this.#stepped.values()];
    return {
      firstLease: Math.min(...leases),
      lastLease: Math.max(...leases),
      firstStep: Math.min(...steps),
      everyPartition: Math.max(...steps),
    };
  }

  #lease(msg: Msg): void {
    const now = performance.now();
    const key = msg.subject.split(".").at(-1) ?? "";
    // Removed or given back: nobody holds it.
    if (msg.data.length === 0) return void this.#holders.delete(key);
    const { id } = msg.json<{ id: string }>();
    const isNew = this.#holders.get(key) !== id;
    this.#holders.set(key, id);
    if (this.#watching && isNew) this.#taken.set(Number(key), now);
  }

  #step(msg: Msg): void {
    const now = performance.now();
    for (const { id, run, partition } of msg.json<Dispatch>().entries) {
      if (this.#executions.has(id)) continue;
      this.#executions.add(id);
      this.#runs.add(run);
      this.#partitions.add(partition);
      // What the old one sent with its last breath comes before the lease.
      if (this.#taken.has(partition) && !this.#stepped.has(partition)) this.#stepped.set(partition, now);
    }
  }
}

async function until(reached: () => boolean, state: () => string): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(`after ${LONGEST_MS / 1000} s ${state()}`);
    await delay(10);
  }
}
