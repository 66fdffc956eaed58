/**
 * One HTTP request and its response, to checked addresses only.
 *
 * The check sits in the socket's own DNS lookup: what was checked is what is connected to, so a name that resolves to
 * something else a moment later gains nothing.
 */
import { type LookupAddress, lookup } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { RayflowError } from "../../actors/sdk.ts";

/** Largest response body, bytes; it has to fit into messages afterwards. */
export const MAX_RESPONSE_BYTES = 1024 * 1024;

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Whether an address may be connected to. */
  readonly mayReach: (address: string) => boolean;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; several of one name are joined with ", ". */
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** @throws HttpError, AddressNotAllowed, PayloadTooLarge; the signal's reason when it aborts. */
export async function exchange(wanted: Exchange): Promise<Answer> {
  const { url, mayReach } = wanted;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // An address in the URL is connected to without a lookup.
  if (isIP(host) !== 0 && !mayReach(host)) throw notAllowed(host, host);
  try {
    const response = await send(wanted, checkedLookup(mayReach));
    return {
      status: response.statusCode ?? 0,
      headers: headersOf(response),
      body: decompress(await readBody(response), response.headers["content-encoding"]),
    };
  } catch (error) {
    wanted.signal.throwIfAborted();
    if (error instanceof RayflowError) throw error;
    const { message, code } = error as NodeJS.ErrnoException;
    throw new RayflowError("HttpError", `${wanted.method} ${url.host}: ${message || code}`, {
      cause: error,
      retryable: true,
      ...(code === undefined ? {} : { details: { cause: code } }),
    });
  }
}

function send(wanted: Exchange, lookupAddress: LookupFunction): Promise<IncomingMessage> {
  const { url, method, headers, body, signal } = wanted;
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    // No agent: a pooled connection would have been checked for someone else.
    request(url, { method, headers: { ...headers, ...length }, lookup: lookupAddress, agent: false, signal })
      .on("response", resolve)
      .on("error", reject)
      .end(body);
  });
}

/** dns.lookup that fails when a name has any address that may not be reached. */
export function checkedLookup(mayReach: Exchange["mayReach"]): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const [first] = found ?? [];
      if (error || !first) return done(error ?? notAllowed(hostname, "nothing"), "");
      const refused = found.find(({ address }) => !mayReach(address));
      if (refused) return done(notAllowed(hostname, refused.address), "");
      if (options.all) return done(null, found);
      return done(null, first.address, first.family);
    });
  };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** We ask for no compression; some servers compress all the same. */
function decompress(body: Buffer, encoding: string | undefined): Buffer {
  const decode = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync }[encoding ?? ""];
  if (!decode || body.length === 0) return body;
  try {
    return decode(body, { maxOutputLength: MAX_RESPONSE_BYTES });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge() : error;
  }
}

function headersOf(response: IncomingMessage): Record<string, string> {
  const entries = Object.entries(response.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return Object.fromEntries(entries);
}

export function notAllowed(host: string, address: string): RayflowError {
  const message = `${host} leads to ${address}, which is not a public address; the deployment has to allow private ones`;
  return new RayflowError("AddressNotAllowed", message, { retryable: false });
}

function tooLarge(): RayflowError {
  return new RayflowError("PayloadTooLarge", `the response is larger than ${MAX_RESPONSE_BYTES} bytes`);
}
