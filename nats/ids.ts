/** Ids that two processes must derive alike without talking to each other. */
import { createHash } from "node:crypto";

const BASE32_DIGITS = "0123456789abcdefghijklmnopqrstuv";
const RUN_ID_DIGITS = 25;

/**
 * The run that a submission starts: whoever knows its `Nats-Msg-Id` knows the run id before anyone answers. 125 bits of
 * a hash, so a publisher may take any text as its key.
 */
export function runIdOf(msgId: string): string {
  return `r${base32(createHash("sha256").update(msgId).digest()).slice(0, RUN_ID_DIGITS)}`;
}

/**
 * The text as a `Nats-Msg-Id`: itself, or its hash where no header could carry it. What cannot be published for its id
 * would be tried for ever, and hold up what waits behind it.
 */
export function asMessageId(text: string): string {
  return /^[\x21-\x7e]{1,512}$/.test(text) ? text : createHash("sha256").update(text).digest("base64url");
}

/** RFC 4648 base32hex in lower case, without padding. */
function base32(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += BASE32_DIGITS[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) out += BASE32_DIGITS[(held << (5 - bits)) & 31];
  return out;
}
