/**
 * `GET /api/runs/<id>/events`: a run's log as server-sent events, from the beginning or behind `Last-Event-ID`.
 *
 * E1. Each entry is `event: entry` with its sequence as `id`; `event: end` with the result is the last one.
 * The rest is that of every event stream: event-stream.ts.
 */
import { z } from "@hono/zod-openapi";
import { RayflowError } from "../../flow/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { resolveResult } from "../large-values.ts";
import { followLog } from "../run-feed.ts";
import type { EventStreams } from "./event-stream.ts";
import type { Operations } from "./operation.ts";
import { runId } from "./run-routes.ts";

/** The result at the end keeps its references when its values take more, bytes of JSON. */
const MAX_RESULT_BYTES = 1024 * 1024;

export function addRunEvents(operations: Operations, parts: GatewayParts, streams: EventStreams): void {
  const { nc, runs } = parts;
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
      const id = await runs.resolve(params.id, c.req.raw.signal);
      if (!(await runs.log.isKnown(id))) await runs.result(id);
      return streams.serve(c, { run_id: id }, async ({ write, signal }) => {
        for await (const item of followLog(nc, runs.log, id, { after, signal })) {
          if (item.kind === "entry") await write("entry", item.entry, item.entry.seq);
          else await write("end", await resolveResult(nc, item.result, MAX_RESULT_BYTES));
        }
      });
    },
  );
}

/** @throws ValidationError */
function lastEventId(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RayflowError("ValidationError", "Last-Event-ID is a sequence of the log");
}
