/**
 * The keys behind execution tokens: as they were given to this process, else those of the bucket `rayflow_keys`, where
 * the first who asks puts one. Who may not read that bucket can read no result.
 */
import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import {
  BUCKETS,
  decodeMessage,
  type ExecutionTokens,
  encodeMessage,
  executionTokens,
  givenTokens,
  parseTokenKeys,
} from "../nats/index.ts";
import { isConflict, isLive, openBucket } from "./bucket.ts";

const KEY = "execution";
const KEY_BYTES = 32;

/** base64url. The first signs, all verify. */
const stored = z.object({ v: z.literal(1), keys: z.array(z.string().min(1)).min(1).max(16) });

const known = new WeakMap<NatsConnection, Promise<ExecutionTokens>>();

/** The tokens as made and checked over this connection. Asked again after a failure. */
export function tokensOn(nc: NatsConnection): Promise<ExecutionTokens> {
  const given = givenTokens(nc);
  if (given) return Promise.resolve(given);
  let tokens = known.get(nc);
  if (!tokens) {
    tokens = readTokens(nc);
    known.set(nc, tokens);
    tokens.catch(() => known.delete(nc));
  }
  return tokens;
}

async function readTokens(nc: NatsConnection): Promise<ExecutionTokens> {
  try {
    const bucket = await openBucket(nc, BUCKETS.keys);
    for (;;) {
      const entry = await bucket.get(KEY);
      if (isLive(entry)) {
        const decoded = decodeMessage(stored, entry.value);
        // Its reason might say a part of a key.
        if (!decoded.ok)
          throw new RayflowError("MalformedMessage", `the entry ${KEY} of ${BUCKETS.keys} holds no keys`);
        return executionTokens(parseTokenKeys(decoded.value.keys.join(",")));
      }
      const made = { v: 1, keys: [randomBytes(KEY_BYTES).toString("base64url")] };
      // Of two who find none, one writes; the other reads what it wrote.
      await bucket.create(KEY, encodeMessage(made)).catch((error: unknown) => {
        if (!isConflict(error)) throw error;
      });
    }
  } catch (cause) {
    if (cause instanceof RayflowError) throw cause;
    throw new RayflowError("ConnectionFailed", `the token keys cannot be read: ${toErrorInfo(cause).message}`, {
      cause,
    });
  }
}
