/**
 * One request to a chat endpoint.
 *
 * The deployment's own endpoints are usually private addresses; what a flow names besides has to be public, by the same
 * check of what is connected to as io_http_request has.
 */
import { isIP } from "node:net";
import { type NodeResources, RayflowError } from "../../actors/sdk.ts";

import { checkedLookup, notAllowed } from "../io/_http-exchange.ts";
import { reachable } from "../io/_reachable.ts";
import { type ChatAnswer, readStream, readText, readWhole } from "./_chat-answer.ts";
import { ModelFailure } from "./_model-failure.ts";
import { isRetryableStatus, retryAfterMs } from "./_retry-wait.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatRequest {
  readonly url: URL;
  /** Whether it is one of the deployment's: they may be at any address. */
  readonly trusted: boolean;
  /** What the deployment allows of other addresses. */
  readonly resources: NodeResources;
  readonly apiKey: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly stream: boolean;
  readonly requestId: string;
  readonly timeoutMs: number;
  /** Whether the time is as long as a working endpoint needs: else it is not to blame. */
  readonly wholeTimeout: boolean;
  readonly signal: AbortSignal;
  readonly onToken: (text: string) => void;
}

type Undici = typeof import("undici");
type Dispatcher = InstanceType<Undici["Agent"]>;
let undici: Promise<Undici> | undefined;
let trustedAgent: Dispatcher | undefined;
/** By what their deployment allows; a connection in them was checked when it was made. */
const guardedAgents = new WeakMap<NodeResources, Dispatcher>();
const LIMITS = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 10_000 };

function agentFor({ Agent }: Undici, { trusted, resources }: ChatRequest): Dispatcher {
  if (trusted) {
    trustedAgent ??= new Agent(LIMITS);
    return trustedAgent;
  }
  const known = guardedAgents.get(resources);
  if (known !== undefined) return known;
  const connect = { lookup: checkedLookup(reachable(resources)), timeout: LIMITS.connectTimeout };
  const made = new Agent({ ...LIMITS, connect });
  guardedAgents.set(resources, made);
  return made;
}

/** The address that is posted to: `/v1/chat/completions` of a server, or what names it already. */
export function chatUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new RayflowError("ValidationError", `not an http or https URL: ${text.slice(0, 200)}`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  if (!path.endsWith("/chat/completions")) {
    url.pathname = /\/v\d+$/.test(path) ? `${path}/chat/completions` : `${path}/v1/chat/completions`;
  }
  url.hash = "";
  return url;
}

/** @throws ModelFailure, AddressNotAllowed; the signal's reason when it aborts */
export async function requestChat(wanted: ChatRequest): Promise<ChatAnswer> {
  const { url, trusted, apiKey, signal } = wanted;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!trusted && isIP(host) !== 0 && !reachable(wanted.resources)(host)) throw notAllowed(host, host);
  const timeout = AbortSignal.timeout(Math.ceil(wanted.timeoutMs));
  try {
    // Loaded when the first model is asked: most actors never do. Time limits are the caller's signal.
    undici ??= import("undici");
    const loaded = await undici;
    const response = await loaded.request(url, {
      method: "POST",
      dispatcher: agentFor(loaded, wanted),
      headers: {
        "content-type": "application/json",
        accept: wanted.stream ? "text/event-stream" : "application/json",
        "user-agent": "rayflow",
        "x-request-id": wanted.requestId,
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(wanted.body),
      signal: AbortSignal.any([signal, timeout]),
    });
    if (response.statusCode >= 300) throw await refusal(response, apiKey);
    const type = String(response.headers["content-type"] ?? "");
    // A server that knows no streaming answers whole.
    return type.includes("text/event-stream")
      ? await readStream(response.body, wanted.onToken)
      : await readWhole(response.body);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelFailure || error instanceof RayflowError) throw error;
    if (timeout.aborted) {
      const message = `${url.host} did not answer within ${wanted.timeoutMs} ms`;
      throw new ModelFailure(message, { retryable: true, down: wanted.wholeTimeout });
    }
    throw unreachable(url, error);
  }
}

interface Refused {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

async function refusal({ statusCode, headers, body }: Refused, apiKey: string | undefined): Promise<ModelFailure> {
  const text = (await readText(body).catch(() => "")).slice(0, 500);
  // Some servers repeat the key that they refuse.
  const said = apiKey === undefined ? text : text.replaceAll(apiKey, "***");
  const header = headers["retry-after"];
  return new ModelFailure(`the endpoint answered ${statusCode}: ${said}`, {
    retryable: isRetryableStatus(statusCode),
    status: statusCode,
    retryAfterMs: retryAfterMs(Array.isArray(header) ? header[0] : header, Date.now()),
    down: statusCode >= 500,
  });
}

function unreachable(url: URL, error: unknown): Error {
  // The lookup's refusal comes wrapped.
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof RayflowError) return cause;
  const { message, code } = error as NodeJS.ErrnoException;
  return new ModelFailure(`${url.host}: ${message || code}`, { retryable: true, down: true, cause: error });
}
