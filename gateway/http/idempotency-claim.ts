/**
 * What an `Idempotency-Key` was first sent with, so that the same key with another body is told apart from a repetition.
 * It lies in `rayflow_cache` under the id of the run that the key stands for.
 *
 * K1. The first writer wins, whichever gateway he asks: the entry is made only where there is none.
 * K2. It is there before the submission: whoever comes second finds it.
 * K3. It is gone after a day. From then on a key is not checked any more; the run that it stands for stays the same.
 */
import { createHash } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import { BUCKETS, bucketStream, runIdOf } from "../../nats/index.ts";
import { isConflict } from "../../store/index.ts";

const KEPT = "24h";
const TIMEOUT_MS = 5_000;

/**
 * Binds a key to what was asked with it. The order of an object's keys makes no difference.
 * @throws IdempotencyKeyReused (details: run_id), ConnectionFailed
 */
export async function claimKey(nc: NatsConnection, key: string, asked: unknown): Promise<void> {
  const runId = runIdOf(key);
  // A hyphen is in no node type, whose cached results lie beside it.
  const subject = `$KV.${BUCKETS.cache}.idempotency-key.${runId}`;
  const hash = createHash("sha256").update(canonicalJson(asked)).digest("hex");
  const known = await bind(nc, subject, hash).catch((error: unknown) => {
    throw new RayflowError("ConnectionFailed", "the Idempotency-Key could not be looked up", { cause: error });
  });
  if (known === undefined || known === hash) return;
  const message = `this Idempotency-Key stands for run ${runId}, which was asked for with another body`;
  throw new RayflowError("IdempotencyKeyReused", message, { details: { run_id: runId } });
}

/** The hash that was there before; undefined: none that still counts. */
async function bind(nc: NatsConnection, subject: string, hash: string): Promise<string | undefined> {
  const expect = { lastSubjectSequence: 0 };
  try {
    await jetstream(nc).publish(subject, hash, { expect, ttl: KEPT, timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: TIMEOUT_MS });
  // Not a direct get: a replica may not have it yet. An entry that has expired leaves a marker without content.
  const message = await jsm.streams.getMessage(bucketStream(BUCKETS.cache), { last_by_subj: subject });
  return message?.string() || undefined;
}

function canonicalJson(value: unknown): string {
  const sorted = (_: string, part: unknown): unknown =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return JSON.stringify(value, sorted);
}
