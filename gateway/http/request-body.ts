/**
 * Reads the JSON of a request, and trusts nothing about it: not its size, not its type, not its depth, not its keys.
 */
import type { Context } from "hono";
import { MAX_VALUE_DEPTH, RayflowError } from "../../flow/index.ts";
import { findUnsafe } from "../../nats/index.ts";

/** Largest body, bytes. 32 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024;
/** A value of full depth still fits inside the objects around it. */
const MAX_DEPTH = MAX_VALUE_DEPTH + 16;
const JSON_TYPE = /^application\/(?:[\w.!#$&^-]+\+)?json(?:\s*;.*)?$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The body's JSON; undefined when there is no body.
 * @throws UnsupportedMediaType, PayloadTooLarge, MalformedMessage
 */
export async function readJson(c: Context, maxBytes: number): Promise<unknown> {
  const type = c.req.header("content-type");
  const declared = Number(c.req.header("content-length") ?? Number.NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (type !== undefined && !JSON_TYPE.test(type)) throw wrongType(type);
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new RayflowError("UnsupportedMediaType", `the body must not be encoded (${encoding.slice(0, 50)})`);
  }
  const bytes = await readBytes(c.req.raw.body, maxBytes);
  if (bytes.length === 0) return undefined;
  if (type === undefined) throw wrongType(undefined);
  return parseJson(bytes);
}

/** @throws MalformedMessage */
export function parseJson(bytes: Uint8Array): unknown {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    const why = error instanceof SyntaxError ? `no JSON: ${error.message}` : "not UTF-8";
    throw new RayflowError("MalformedMessage", `the body is ${why}`.slice(0, 300));
  }
  const unsafe = findUnsafe(json, MAX_DEPTH);
  if (unsafe !== undefined) throw new RayflowError("MalformedMessage", `the body is refused: ${unsafe}`);
  return json;
}

/** Stops as soon as there is too much, whatever was declared. */
async function readBytes(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {});
      throw tooLarge(maxBytes);
    }
    chunks.push(read.value);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): RayflowError {
  return new RayflowError("PayloadTooLarge", `the body may have ${maxBytes} bytes`, {
    details: { max_bytes: maxBytes },
  });
}

function wrongType(type: string | undefined): RayflowError {
  const given = type === undefined ? "it has none" : `not ${JSON.stringify(type.slice(0, 100))}`;
  return new RayflowError("UnsupportedMediaType", `the Content-Type of a body must be application/json, ${given}`);
}
