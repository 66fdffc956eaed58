/**
 * `GET /api/runs/<id>/events`: a run's log as server-sent events, from the beginning or behind `Last-Event-ID`.
 *
 * E1. Each entry is `event: entry` with its sequence as `id`; `event: end` with the result is the last one.
 * E2. The next entry is read when the one before was taken: a slow reader costs no memory, one that takes nothing for
 *     `stalledMs` is cut off.
 * E3. Nothing is left open when the reader goes, or when the gateway stops: a reader comes back with its last id.
 */
import { z } from "@hono/zod-openapi";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { RayflowError, toErrorInfo } from "../../flow/index.ts";
import type { Logger } from "../../orchestrator/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { resolveResult } from "../large-values.ts";
import { followLog } from "../run-feed.ts";
import type { HttpMetrics } from "./metrics.ts";
import type { Operations } from "./operation.ts";
import { problemOf } from "./problem.ts";
import { runId } from "./run-routes.ts";

export interface RunEventsOptions {
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  /** Aborts when the gateway stops. */
  readonly stopping: AbortSignal;
  /** Most streams that are open at once. */
  readonly maxStreams: number;
  /** How long a reader may take nothing, ms. */
  readonly stalledMs: number;
}

/** A comment this often keeps proxies from closing a quiet stream, ms. */
const HEARTBEAT_MS = 15_000;
/** What a reader waits before it comes back, ms. */
const RETRY_MS = 1_000;
/** The result at the end keeps its references when its values take more, bytes of JSON. */
const MAX_RESULT_BYTES = 1024 * 1024;

export function addRunEvents(operations: Operations, parts: GatewayParts, options: RunEventsOptions): void {
  const { nc, runs } = parts;
  const { metrics, logger, stopping, maxStreams, stalledMs } = options;
  let open = 0;
  operations.add(
    {
      method: "get",
      path: "/api/runs/{id}/events",
      id: "followRun",
      tag: "runs",
      summary: "Follow a run's log",
      description:
        "Server-sent events: `entry` with an entry of the log as data and its sequence as id, and `end` with the result. The stream may break off at any time: come back with Last-Event-ID.",
      params: runId,
      query: z.object({ after: z.coerce.number().int().nonnegative().optional() }),
      headers: { "Last-Event-ID": "The last sequence that is known; goes before `after`" },
      answers: { 200: { description: "The stream", mediaType: "text/event-stream" } },
    },
    async ({ c, params, query }) => {
      const after = lastEventId(c.req.header("last-event-id")) ?? query.after ?? 0;
      const id = await runs.resolve(params.id);
      if (!(await runs.log.isKnown(id))) await runs.result(id);
      if (open >= maxStreams || stopping.aborted) {
        throw new RayflowError("GatewayBusy", `${open} event streams are open; no more at the moment`);
      }
      const closing = new AbortController();
      const close = (): void => closing.abort();
      c.header("X-Accel-Buffering", "no");
      return streamSSE(c, async (stream) => {
        open++;
        metrics.streamOpened();
        stream.onAbort(close);
        c.req.raw.signal.addEventListener("abort", close, { once: true });
        stopping.addEventListener("abort", close, { once: true });
        const giveUp = (): void => {
          logger.warn({ run_id: id }, "the reader of an event stream took nothing for too long");
          close();
          // Nothing more gets through to it: only the end of its connection does.
          c.env?.outgoing?.destroy();
        };
        const { write, stop } = careful(stream, { giveUp, stalledMs });
        try {
          await write(`retry: ${RETRY_MS}\n\n`);
          for await (const item of followLog(nc, runs.log, id, { after, signal: closing.signal })) {
            if (item.kind === "entry") await write(message("entry", item.entry, item.entry.seq));
            else await write(message("end", await resolveResult(nc, item.result, MAX_RESULT_BYTES)));
          }
        } catch (error) {
          logger.warn({ err: error, run_id: id }, "an event stream broke off");
          await write(message("problem", problemOf(toErrorInfo(error, "InternalError"))));
        } finally {
          stop();
          stopping.removeEventListener("abort", close);
          open--;
          metrics.streamClosed();
        }
      });
    },
  );
}

function message(event: string, data: unknown, id?: number): string {
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

/** @throws ValidationError */
function lastEventId(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RayflowError("ValidationError", "Last-Event-ID is a sequence of the log");
}
