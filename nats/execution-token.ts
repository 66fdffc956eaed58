/**
 * Execution tokens: who was sent an execution can prove it, and nobody can guess the proof or the id of a message that
 * somebody else is going to publish.
 *
 * T1. A token is a SHA-256 over the key, as a whole block, and the execution id, cut to 132 bits. It travels in the dispatch entry and comes back
 *     in the result; it stands in nothing that people read.
 * T2. The first key signs, all verify: so keys are changed without losing what is in flight.
 * T3. An execution id and a message id are never the same text to the hash: a token is no message id's, nor the reverse.
 */
import { hash } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";

/** Shorter keys are refused, bytes. */
const MIN_KEY_BYTES = 16;
const BLOCK_BYTES = 64;
/** So many tokens of executions that were signed here are remembered: their results need no second hash. */
const REMEMBERED = 65_536;
/** Of 43: 132 bits. */
const TOKEN_CHARS = 22;

export interface ExecutionTokens {
  /** The token of an execution. */
  sign(execution: string): string;
  /** Whether it is the execution's own, by any of the keys. */
  verify(execution: string, token: string | undefined): boolean;
  /** A `Nats-Msg-Id` that is the same each time and that only who has the key can tell beforehand. */
  messageId(id: string): string;
}

/** @throws ValidationError when there is no key, or one is shorter than 16 bytes */
export function executionTokens(keys: readonly Uint8Array[]): ExecutionTokens {
  const macs = keys.map(keyedHash);
  const [sign] = macs;
  if (sign === undefined) throw new RayflowError("ValidationError", "execution tokens need a key");
  const signed = new Map<string, string>();
  return {
    sign: (execution) => {
      const token = sign(execution);
      if (signed.size >= REMEMBERED) for (const oldest of signed.keys()) if (signed.delete(oldest)) break;
      signed.set(execution, token);
      return token;
    },
    verify: (execution, token) => {
      if (token?.length !== TOKEN_CHARS) return false;
      const known = signed.get(execution);
      if (known !== undefined && equal(known, token)) {
        signed.delete(execution);
        return true;
      }
      return macs.some((mac) => equal(mac(execution), token));
    },
    // No execution id begins with a blank.
    messageId: (id) => `${id}~${sign(` ${id}`)}`,
  };
}

/**
 * For who may read no keys and only looks: every token counts, and none can be made.
 * @throws UsageError when one is to be made
 */
export function uncheckedTokens(): ExecutionTokens {
  const refuse = (): never => {
    throw new RayflowError("UsageError", "without token keys one can only look at runs");
  };
  return { sign: refuse, verify: () => true, messageId: refuse };
}

/** Keys as they are written: base64url, with commas between. @throws ValidationError */
export function parseTokenKeys(text: string): Uint8Array[] {
  return text.split(",").map((part, at) => {
    const key = Buffer.from(part.trim(), "base64url");
    if (key.length >= MIN_KEY_BYTES) return key;
    throw new RayflowError("ValidationError", `token key ${at + 1} is no base64url of at least ${MIN_KEY_BYTES} bytes`);
  });
}

const given = new WeakMap<NatsConnection, ExecutionTokens>();

/** From now on these count over the connection, whatever keys are stored. */
export function giveTokens(nc: NatsConnection, tokens: ExecutionTokens): void {
  given.set(nc, tokens);
}

/** What this process was given for the connection. */
export function givenTokens(nc: NatsConnection): ExecutionTokens | undefined {
  return given.get(nc);
}

/** In the same time wherever they differ. Of equal length. */
function equal(wanted: string, given: string): boolean {
  let differences = 0;
  for (let at = 0; at < wanted.length; at++) differences |= wanted.charCodeAt(at) ^ given.charCodeAt(at);
  return differences === 0;
}

/**
 * A hash with a key in front. Who sees a whole hash of SHA-256 could go on from it to that of a longer text; of one that is
 * cut to half he cannot (J.-S. Coron and others, "Merkle-Damgård Revisited", CRYPTO 2005, chop-MD). It takes half the
 * time of an HMAC, and each step pays for it.
 */
function keyedHash(key: Uint8Array): (text: string) => string {
  if (key.length < MIN_KEY_BYTES) {
    throw new RayflowError("ValidationError", `a token key has at least ${MIN_KEY_BYTES} bytes`);
  }
  let block = Buffer.alloc(BLOCK_BYTES + 512);
  block.set(key.length > BLOCK_BYTES ? hash("sha256", key, "buffer") : key);
  return (text) => {
    const most = BLOCK_BYTES + text.length * 3;
    if (block.length < most) block = Buffer.concat([block.subarray(0, BLOCK_BYTES), Buffer.alloc(most)]);
    const length = BLOCK_BYTES + block.write(text, BLOCK_BYTES, "utf8");
    return hash("sha256", block.subarray(0, length), "base64url").slice(0, TOKEN_CHARS);
  };
}
