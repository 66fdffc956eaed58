/**
 * Server-sent events, for all routes that have them.
 *
 * E2. The next event is made when the one before was taken: a slow reader costs no memory, one that takes nothing for
 *     `stalledMs` is cut off.
 * E3. Nothing is left open when the reader goes, or when the gateway stops: a reader comes back with its last id.
 */
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { RayflowError, toErrorInfo } from "../../flow/index.ts";
import type { Logger } from "../../orchestrator/index.ts";
import type { HttpMetrics } from "./metrics.ts";
import { problemOf } from "./problem.ts";

export interface EventStreamOptions {
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  /** Aborts when the gateway stops. */
  readonly stopping: AbortSignal;
  /** Most streams that are open at once. */
  readonly maxStreams: number;
  /** How long a reader may take nothing, ms. */
  readonly stalledMs: number;
}

export interface EventWriter {
  /** Resolves when the reader has taken it. */
  write(event: string, data: unknown, id?: number | string): Promise<void>;
  /** Aborts when the reader is gone, or the gateway stops. */
  readonly signal: AbortSignal;
}

/** A comment this often keeps proxies from closing a quiet stream, ms. */
const HEARTBEAT_MS = 15_000;
/** What a reader waits before it comes back, ms. */
const RETRY_MS = 1_000;

export class EventStreams {
  readonly #options: EventStreamOptions;
  #open = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** Answers with what `produce` writes, until it returns. `about`: for the log. @throws GatewayBusy */
  serve(c: Context, about: object, produce: (writer: EventWriter) => Promise<void>): Response {
    const { metrics, logger, stopping, maxStreams, stalledMs } = this.#options;
    if (this.#open >= maxStreams || stopping.aborted) {
      throw new RayflowError("GatewayBusy", `${this.#open} event streams are open; no more at the moment`);
    }
    const closing = new AbortController();
    const close = (): void => closing.abort();
    c.header("X-Accel-Buffering", "no");
    return streamSSE(c, async (stream) => {
      this.#open++;
      metrics.streamOpened();
      stream.onAbort(close);
      c.req.raw.signal.addEventListener("abort", close, { once: true });
      stopping.addEventListener("abort", close, { once: true });
      const giveUp = (): void => {
        logger.warn(about, "the reader of an event stream took nothing for too long");
        close();
        // Nothing more gets through to it: only the end of its connection does.
        c.env?.outgoing?.destroy();
      };
      const { write, stop } = careful(stream, { giveUp, stalledMs });
      try {
        await write(`retry: ${RETRY_MS}\n\n`);
        await produce({ signal: closing.signal, write: (event, data, id) => write(message(event, data, id)) });
      } catch (error) {
        logger.warn({ err: error, ...about }, "an event stream broke off");
        await write(message("problem", problemOf(toErrorInfo(error, "InternalError"))));
      } finally {
        stop();
        stopping.removeEventListener("abort", close);
        this.#open--;
        metrics.streamClosed();
      }
    });
  }
}

function message(event: string, data: unknown, id?: number | string): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** Writes one thing at a time, a comment when there is nothing, and gives up on a reader that takes nothing. */
function careful(stream: SSEStreamingApi, { giveUp, stalledMs }: { giveUp: () => void; stalledMs: number }) {
  let writing: Promise<unknown> | undefined;
  const write = async (text: string): Promise<void> => {
    await writing;
    if (stream.aborted || stream.closed) return;
    const stalled = setTimeout(() => {
      giveUp();
      stream.abort();
    }, stalledMs);
    writing = stream.write(text).finally(() => {
      clearTimeout(stalled);
      writing = undefined;
    });
    await writing;
  };
  const beat = setInterval(() => {
    if (writing === undefined) void write(": still here\n\n");
  }, HEARTBEAT_MS);
  return { write, stop: () => clearInterval(beat) };
}
