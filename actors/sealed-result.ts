/** A result with its JSON, which is made once, here, and fits one message. Pure. */
import { type ErrorInfo, RayflowError, toErrorInfo } from "../flow/index.ts";
import { findUnsafe, type SentResult } from "../nats/index.ts";

/** A result and the JSON that goes on the wire. */
export interface SealedResult {
  readonly result: SentResult;
  readonly json: string;
  readonly bytes: number;
}

/** What an error's message may take of a result that would be too large otherwise. */
const MESSAGE_CHARS = 2_000;

/**
 * Serialises a result. Outputs that are no JSON, too large or refused by `decodeMessage` become the node's failure
 * (ValidationError, PayloadTooLarge); an error like that loses its details. Never throws.
 */
export function sealResult(result: SentResult, maxBytes: number): SealedResult {
  let json: string;
  try {
    // One value that the reader refuses would cost the other results of the same message too.
    const unsafe = findUnsafe(result.status === "error" ? result.error?.details : result.outputs);
    if (unsafe !== undefined) return sealFailure(result, maxBytes, unfit(result, unsafe));
    json = JSON.stringify(result);
  } catch (cause) {
    return sealFailure(result, maxBytes, unfit(result, toErrorInfo(cause).message));
  }
  const bytes = byteLength(json, maxBytes);
  if (bytes <= maxBytes) return { result, json, bytes };
  return sealFailure(result, maxBytes, result.status === "error" ? shortened(result.error) : tooLarge(bytes, maxBytes));
}

function sealFailure(result: SentResult, maxBytes: number, error: ErrorInfo): SealedResult {
  const { outputs: _outputs, exec: _exec, ...rest } = result;
  const failed: SentResult = { ...rest, status: "error", error };
  const json = JSON.stringify(failed);
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxBytes) return { result: failed, json, bytes };
  const bare: SentResult = { ...failed, error: shortened(error) };
  const bareJson = JSON.stringify(bare);
  return { result: bare, json: bareJson, bytes: Buffer.byteLength(bareJson) };
}

/** An upper bound when that is enough: a UTF-16 unit is at most 3 bytes of UTF-8. */
function byteLength(json: string, maxBytes: number): number {
  const most = json.length * 3;
  return most <= maxBytes ? most : Buffer.byteLength(json);
}

function tooLarge(bytes: number, maxBytes: number): ErrorInfo {
  return new RayflowError(
    "PayloadTooLarge",
    `the outputs take ${bytes} bytes, more than the ${maxBytes} that fit one message: return a reference instead`,
    { details: { bytes, max_bytes: maxBytes } },
  ).toInfo();
}

function unfit(result: SentResult, why: string): ErrorInfo {
  if (result.status === "error") return shortened(result.error);
  return new RayflowError("ValidationError", `the outputs cannot be sent: ${why}`).toInfo();
}

function shortened(error: ErrorInfo | undefined): ErrorInfo {
  const { details: _details, ...rest } = error ?? toErrorInfo(undefined);
  return { ...rest, code: rest.code.slice(0, 64), message: rest.message.slice(0, MESSAGE_CHARS) };
}
