/** Large inputs on their way into a run, and large values in what it gives. */
import type { NatsConnection } from "@nats-io/transport-node";
import { encodeMessage, ensureTopology, type RunResult } from "../nats/index.ts";
import { BlobStore, bytesBehind, offloadValues, resolveValues, surelyWithin } from "../store/index.ts";

type Values = Readonly<Record<string, unknown>>;

/** Results whose large values are fetched, bytes of JSON; in a larger one they stay references. */
export const DEFAULT_MAX_RESULT_BYTES = 256 * 1024 * 1024;

/**
 * Inputs that take no more than `roomBytes`: the largest are stored under the run that is to come, and references go in
 * their place. What is put twice for one run is stored once.
 * @throws PayloadTooLarge when a single input is over the limit, ConnectionFailed
 */
export async function offloadInputs(
  nc: NatsConnection,
  runId: string,
  inputs: Values,
  limits: { readonly roomBytes: number; readonly maxValueBytes?: number | undefined },
): Promise<Values> {
  if (surelyWithin(inputs, limits.roomBytes)) return inputs;
  await ensureTopology(nc);
  const blobs = new BlobStore(nc, { cacheBytes: 0 });
  // What fits stays: only the orchestrator knows which inputs its loops must see.
  return offloadValues(blobs, inputs, { ...limits, run: runId, what: "input", inlineBytes: Number.POSITIVE_INFINITY });
}

/**
 * The result with its large values, unless it is larger than `maxBytes`: then with the references.
 * @throws DataNotAvailable when a value was deleted meanwhile, ConnectionFailed
 */
export async function resolveResult(nc: NatsConnection, result: RunResult, maxBytes: number): Promise<RunResult> {
  const runs = [result.run_id];
  const behind = bytesBehind(result.result, runs);
  if (behind === 0 || behind + encodeMessage(result).length > maxBytes) return result;
  const blobs = new BlobStore(nc, { cacheBytes: 0 });
  return { ...result, result: await resolveValues(blobs, result.result, { runs, maxBytes }) };
}
