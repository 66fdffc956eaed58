/**
 * A run's log as server-sent events, read with fetch: `EventSource` sends no token and hides what the server answered.
 *
 * E1. Every entry is given once, in order, whatever is lost on the way: a connection that breaks goes on after the
 *     last entry that came.
 * E2. What another try cannot mend (no such run, no right to see it) is thrown at once.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { LogEntry, RunResult } from "./answers.ts";
import { ApiError, type ApiOptions, clientCodes, send } from "./request.ts";

/** What is heard of a run. After `end` nothing comes. */
export type RunNews =
  | { readonly kind: "open" }
  | { readonly kind: "entry"; readonly entry: LogEntry }
  | { readonly kind: "end"; readonly result: RunResult }
  /** The connection is gone; another try is made in so many ms. */
  | { readonly kind: "lost"; readonly error: ApiError; readonly retryMs: number };

export interface RunEventsOptions {
  /** Sequence of the last entry that is known. */
  readonly after?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** First wait after a loss, ms; it doubles with each loss in a row. Default 500. */
  readonly firstRetryMs?: number;
  /** Cap on that wait, ms. Default 10 000. */
  readonly maxRetryMs?: number;
  /** A connection on which nothing came for so long, not even a comment, counts as lost, ms. Default 60 000. */
  readonly silenceMs?: number;
  /** A run that was just submitted may not be known yet: for so long "no such run" is no answer, ms. Default 0. */
  readonly newForMs?: number;
}

/** @throws ApiError when another try would not help, or the signal's reason */
export async function* runEvents(
  options: ApiOptions,
  run: string,
  { after, signal, firstRetryMs = 500, maxRetryMs = 10_000, silenceMs = 60_000, newForMs = 0 }: RunEventsOptions = {},
): AsyncGenerator<RunNews> {
  let last = after;
  let retryMs = firstRetryMs;
  const begunMs = performance.now();
  for (;;) {
    const attempt = new AbortController();
    const either = signal ? AbortSignal.any([signal, attempt.signal]) : attempt.signal;
    try {
      const body = await connect(options, run, last, either);
      yield { kind: "open" };
      for await (const message of messagesOf(body, silenceMs)) {
        if (message.event === "end") return yield { kind: "end", result: parse<RunResult>(message) };
        if (message.event === "problem") throw problemIn(message);
        if (message.event !== "entry") continue;
        const entry = parse<LogEntry>(message);
        if (last !== undefined && entry.seq <= last) continue;
        last = entry.seq;
        retryMs = firstRetryMs;
        yield { kind: "entry", entry };
      }
      throw new ApiError(clientCodes.unreachable, "the server closed the connection");
    } catch (error) {
      signal?.throwIfAborted();
      const known = toApiError(error);
      const isNew = known.status === 404 && last === undefined && performance.now() - begunMs < newForMs;
      if (!isNew && !isWorthAnotherTry(known)) throw known;
      yield { kind: "lost", error: known, retryMs };
      await pause(retryMs, signal);
      retryMs = Math.min(maxRetryMs, retryMs * 2);
    } finally {
      attempt.abort();
    }
  }
}

async function connect(
  options: ApiOptions,
  run: string,
  last: number | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await send(options, "GET", `/api/runs/${encodeURIComponent(run)}/events`, {
    headers: {
      accept: "text/event-stream, application/problem+json",
      ...(last === undefined ? {} : { "last-event-id": String(last) }),
    },
    signal,
  });
  if (!body) throw new ApiError(clientCodes.badAnswer, "the server sent no events");
  return body;
}

export async function* messagesOf(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<EventSourceMessage> {
  let came: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => came.push(message) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), silenceMs);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      const ready = came;
      came = [];
      yield* ready;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function withinSilence<T>(read: Promise<T>, silenceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ApiError(clientCodes.unreachable, "the server fell silent")), silenceMs);
  });
  // Whoever loses the race is of no more interest.
  read.catch(() => undefined);
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function parse<T>({ data }: EventSourceMessage): T {
  try {
    return JSON.parse(data) as T;
  } catch (cause) {
    throw new ApiError(clientCodes.badAnswer, "the server sent an event that is not JSON", { cause });
  }
}

/** The stream broke off, and says why. */
function problemIn(message: EventSourceMessage): ApiError {
  const { code, detail, title, status } = parse<{ code?: string; detail?: string; title?: string; status?: number }>(
    message,
  );
  const said = detail ?? title ?? "the server could not go on";
  return new ApiError(code ?? clientCodes.unreachable, said, status === undefined ? {} : { status });
}

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(clientCodes.unreachable, "the connection to the server was lost", { cause: error });
}

function isWorthAnotherTry({ code, status }: ApiError): boolean {
  return code === clientCodes.unreachable || status === 429 || status >= 500;
}

/** Waits; at once when the page is back online. @throws the signal's reason */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = typeof window === "undefined" ? undefined : window;
    const end = (): void => {
      clearTimeout(timer);
      target?.removeEventListener("online", end);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    target?.addEventListener("online", end);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
