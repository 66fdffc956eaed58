/** When the scheduled triggers of deployed flows fired last: `t.<flow>.<trigger>` in the bucket `rayflow_flows`. */
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { BUCKETS, decodeMessage, encodeMessage, subjectToken } from "../nats/index.ts";
import { isLive, openBucket } from "./bucket.ts";

const firing = z.object({
  v: z.literal(1),
  /** The time it was due, not the time it was served. */
  due: z.number(),
});

export class TriggerState {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<TriggerState> {
    return new TriggerState(await openBucket(nc, BUCKETS.flows));
  }

  /** The last time that was served, ms since 1970. */
  async lastDue(flow: string, trigger: string): Promise<number | undefined> {
    const entry = await this.#kv.get(keyOf(flow, trigger));
    if (!isLive(entry)) return undefined;
    const decoded = decodeMessage(firing, entry.value);
    return decoded.ok ? decoded.value.due : undefined;
  }

  async served(flow: string, trigger: string, due: number): Promise<void> {
    await this.#kv.put(keyOf(flow, trigger), encodeMessage({ v: 1, due }));
  }

  async forget(flow: string, trigger: string): Promise<void> {
    await this.#kv.delete(keyOf(flow, trigger));
  }
}

function keyOf(flow: string, trigger: string): string {
  return `t.${subjectToken(flow)}.${subjectToken(trigger)}`;
}
