/** From a node's inputs to the parts of an HTTP request. */
import { RayflowError } from "../../actors/sdk.ts";
import { toText } from "../_text.ts";

/** They frame the message or choose its receiver: not for flow authors. */
const RESERVED = new Set(["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"]);

/** @throws ValidationError when it is not an http or https URL. */
export function requestUrl(text: string, query: Readonly<Record<string, unknown>> | undefined): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new RayflowError("ValidationError", `config url: not an http or https URL: ${text.slice(0, 200)}`);
  }
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, toText(one));
  }
  return url;
}

/** Names in lower case. */
export function requestHeaders(given: Readonly<Record<string, unknown>> | undefined): Record<string, string> {
  const headers: Record<string, string> = { accept: "*/*", "accept-encoding": "identity", "user-agent": "rayflow" };
  for (const [written, value] of Object.entries(given ?? {})) {
    const name = written.toLowerCase();
    if (RESERVED.has(name)) throw new RayflowError("ValidationError", `input "headers": ${written} cannot be set`);
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
      throw new RayflowError("ValidationError", `input "headers": ${JSON.stringify(written)} is no header name`);
    }
    const text = toText(value);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      throw new RayflowError(
        "ValidationError",
        `input "headers": the value of ${written} holds characters not allowed`,
      );
    }
    headers[name] = text;
  }
  return headers;
}

/** JSON, but for text that comes with a content type of its own. Sets the content type where there is none. */
export function requestBody(body: unknown, method: string, headers: Record<string, string>): string | undefined {
  if (body === undefined) return undefined;
  if (method === "GET" || method === "HEAD") {
    if (body === null) return undefined;
    throw new RayflowError("ValidationError", `input "body": ${method} takes none; set config method`);
  }
  const type = headers["content-type"];
  if (typeof body === "string" && type !== undefined && !isJson(type)) return body;
  headers["content-type"] ??= "application/json";
  return JSON.stringify(body);
}

export function isJson(contentType: string | undefined): boolean {
  return /^\s*(application\/json|[\w.+/-]+\+json)\s*(;|$)/i.test(contentType ?? "");
}
