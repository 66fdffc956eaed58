import {
  any,
  defineNode,
  dict,
  duration,
  durationMs,
  int,
  type NodeContext,
  RayflowError,
  z,
} from "../../actors/sdk.ts";

import { type Answer, type Exchange, exchange } from "./_http-exchange.ts";
import { isJson, requestBody, requestHeaders, requestUrl } from "./_http-request-parts.ts";
import { reachable } from "./_reachable.ts";

const MAX_REDIRECTS = 5;
const HARMLESS = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "content-type",
  "idempotency-key",
  "user-agent",
]);
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export default defineNode({
  type: "io_http_request",
  title: "HTTP request",
  category: "io",
  description:
    "Sends a request; a JSON response is parsed. Methods that change something carry an Idempotency-Key that retries repeat.",
  inputs: { body: any().optional(), headers: dict().optional(), query: dict().optional() },
  outputs: { response: any(), status_code: int(), headers: dict() },
  config: z.object({
    url: z.string().min(1),
    method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]).default("GET"),
    timeout: duration.default("30s").describe("Longest time for all of it, redirects included."),
    fail_on_status: z.boolean().default(true).describe("Whether a status of 400 or more fails the node."),
  }),
  async run({ inputs, config, ctx }) {
    const headers = requestHeaders(inputs.headers);
    if (!SAFE_METHODS.has(config.method)) headers["idempotency-key"] ??= ctx.idempotencyKey;
    const answer = await withTimeout(durationMs(config.timeout), ctx.signal, (signal) =>
      follow({
        url: requestUrl(config.url, inputs.query),
        method: config.method,
        body: requestBody(inputs.body, config.method, headers),
        headers,
        mayReach: reachable(ctx.resources),
        signal,
      }),
    );
    const response = parse(answer, ctx);
    if (config.fail_on_status && answer.status >= 400) throw statusError(answer.status, response);
    return { response, status_code: answer.status, headers: answer.headers };
  },
});

/** Follows redirects itself, for each hop's address has to be checked. */
async function follow(first: Exchange): Promise<Answer> {
  let wanted = first;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await exchange(wanted);
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    wanted = redirected(wanted, answer.status, location);
  }
  throw new RayflowError("HttpError", `more than ${MAX_REDIRECTS} redirects`, { retryable: false });
}

/** The request that a redirect asks for, as browsers do it: 303 and a redirected POST become GET. */
function redirected(from: Exchange, status: number, location: string): Exchange {
  if (!URL.canParse(location, from.url.href)) {
    throw new RayflowError("HttpError", "redirected to what is no URL", { retryable: false });
  }
  const url = requestUrl(new URL(location, from.url).href, undefined);
  // What was set for one server is not another's: any header may hold a key.
  const own = url.origin === from.url.origin;
  const kept = Object.entries(from.headers).filter(([name]) => own || HARMLESS.has(name));
  const headers = Object.fromEntries(kept);
  const toGet = status === 303 ? from.method !== "HEAD" : status <= 302 && from.method === "POST";
  if (!toGet) return { ...from, url, headers };
  delete headers["content-type"];
  return { ...from, url, headers, method: "GET", body: undefined };
}

async function withTimeout<T>(ms: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(ms), 2 ** 31 - 1));
  try {
    return await work(AbortSignal.any([outer, timeout]));
  } catch (error) {
    if (outer.aborted || !timeout.aborted) throw error;
    const details = { timeout_ms: ms };
    throw new RayflowError("HttpError", `no answer within ${ms} ms`, { retryable: true, details });
  }
}

/** Parsed when it is JSON, else text; null when it is empty. */
function parse(answer: Answer, ctx: NodeContext): unknown {
  if (answer.body.length === 0) return null;
  const type = answer.headers["content-type"];
  const text = decode(answer.body, type);
  if (!isJson(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    ctx.log.warn("the response calls itself JSON and is not: taken as text");
    return text;
  }
}

function decode(body: Buffer, type: string | undefined): string {
  const charset = /charset="?([\w-]+)/i.exec(type ?? "")?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return body.toString("utf8");
  }
}

function statusError(status: number, response: unknown): RayflowError {
  const retryable = status >= 500 || status === 429 || status === 408;
  return new RayflowError("HttpError", `the server answered ${status}`, { retryable, details: { status, response } });
}
