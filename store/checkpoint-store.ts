/** How far each partition has been read and carried out, in the bucket `rayflow_checkpoints`. */
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { BUCKETS, decodeMessage, encodeMessage } from "../nats/index.ts";
import { isConflict, isLive, openBucket } from "./bucket.ts";

export const checkpoint = z.object({
  v: z.literal(1).default(1),
  /** Before this sequence of the log every run of the partition is finished. */
  replay_from: z.number().int().nonnegative(),
  /** Every command caused up to this sequence has its PubAck. */
  emitted_through: z.number().int().nonnegative(),
  /** The spans of all runs that ended before this sequence are exported. Absent: nobody exported any. */
  traced_before: z.number().int().nonnegative().optional(),
  /** When the dispatch queue was made: another one voids `emitted_through`. */
  queue_created: z.string(),
  /** ISO 8601. */
  updated_at: z.string(),
  /** The orchestrator that wrote it. */
  owner: z.string(),
});
export type Checkpoint = z.infer<typeof checkpoint>;
export type CheckpointInput = z.input<typeof checkpoint>;

export class CheckpointStore {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<CheckpointStore> {
    return new CheckpointStore(await openBucket(nc, BUCKETS.checkpoints));
  }

  /**
   * Undefined when the partition was never written. One that cannot be read counts as none:
   * the fold from the start of the log is always right, only slower.
   */
  async read(partition: number): Promise<{ checkpoint: Checkpoint | undefined; revision: number }> {
    const entry = await this.#kv.get(keyOf(partition));
    if (!isLive(entry)) return { checkpoint: undefined, revision: entry?.revision ?? 0 };
    const decoded = decodeMessage(checkpoint, entry.value);
    return { checkpoint: decoded.ok ? decoded.value : undefined, revision: entry.revision };
  }

  /**
   * Gives the new revision. `revision`: what `read` or the last `write` gave; 0 for the first.
   * @throws StoreConflict when another orchestrator has written in between: the partition is no longer this one's
   */
  async write(partition: number, content: CheckpointInput, revision: number): Promise<number> {
    const bytes = encodeMessage(checkpoint.parse(content));
    const key = keyOf(partition);
    try {
      return await this.#kv.put(key, bytes, { previousSeq: revision });
    } catch (cause) {
      if (!isConflict(cause)) throw cause;
      // An earlier write of ours whose answer was lost is no stranger's.
      const found = await this.read(partition);
      if (found.checkpoint?.owner === content.owner) {
        const mine = await this.#kv.put(key, bytes, { previousSeq: found.revision }).catch((error) => {
          if (!isConflict(error)) throw error;
          return undefined;
        });
        if (mine !== undefined) return mine;
      }
      const message = `another orchestrator wrote the checkpoint of partition ${partition}`;
      throw new RayflowError("StoreConflict", message, { cause, retryable: false });
    }
  }

  /** The checkpoints of all partitions, in order; undefined where there is none. */
  async readAll(partitions: number): Promise<(Checkpoint | undefined)[]> {
    const all = Array.from({ length: partitions }, (_, partition) => this.read(partition));
    return (await Promise.all(all)).map(({ checkpoint }) => checkpoint);
  }
}

function keyOf(partition: number): string {
  return `p.${partition}`;
}
