/** Runs: the list, where one stands, its history and its log, its result, its large values. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { blobId, RayflowError } from "../../flow/index.ts";
import { runResult } from "../../nats/index.ts";
import { logEntry } from "../../store/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { resolveResult } from "../large-values.ts";
import { readLogPage } from "../run-feed.ts";
import { readHistoryPage } from "../run-history-page.ts";
import { runDescription, runStanding, runStep, runSummary } from "../run-views.ts";
import { logGate } from "../shared-reads.ts";
import type { Operations } from "./operation.ts";
import { untilEnd } from "./until-end.ts";

const MAX_PAGE_BYTES = 8 * 1024 * 1024;
const MAX_RESULT_BYTES = 32 * 1024 * 1024;
const MAX_WAIT_S = 300;

export const runId = z.object({ id: z.string().min(6).max(64).openapi({ description: "Whole, or its beginning" }) });
const instant = z.iso.datetime({ offset: true }).openapi({ description: "ISO 8601" });
const sequence = z.coerce.number().int().nonnegative();
const page = z.object({
  after: sequence.default(0).openapi({ description: "What is known already" }),
  limit: z.coerce.number().int().min(1).max(5_000).default(500),
});
const tag = "runs";

export function addRunRoutes(operations: Operations, parts: GatewayParts, stopping: AbortSignal): void {
  const { nc, runs, blobs } = parts;
  operations.add(
    {
      method: "get",
      path: "/api/runs",
      id: "listRuns",
      tag,
      summary: "List and search runs",
      description: "Live ones first, newest first; then finished ones, the last that ended first.",
      query: z.object({
        status: runStanding.optional(),
        flow: z.string().min(1).max(200).optional(),
        since: instant.optional().openapi({ description: "Leaves out what ended before" }),
        until: instant.optional().openapi({ description: "Leaves out what was submitted after" }),
        limit: z.coerce.number().int().min(1).max(1_000).default(20),
        cursor: z.string().max(50).optional(),
      }),
      answers: {
        200: {
          description: "A page; cursor is null on the last one",
          schema: z.object({ runs: z.array(runSummary), cursor: z.string().nullable() }),
        },
      },
    },
    async ({ c, query }) => {
      const { status, flow, since, until, limit, cursor } = query;
      return c.json(
        await runs.page(
          {
            limit,
            ...(status === undefined ? {} : { status }),
            ...(flow === undefined ? {} : { flow }),
            ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
            ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
            ...(cursor === undefined ? {} : { cursor }),
          },
          c.req.raw.signal,
        ),
      );
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/runs/{id}",
      id: "getRun",
      tag,
      summary: "Where a run stands, or stood",
      params: runId,
      query: z.object({
        at: sequence.positive().optional().openapi({ description: "A sequence of the log" }),
        event: sequence.positive().optional().openapi({ description: "The n-th event of the run" }),
      }),
      answers: { 200: { description: "Its nodes, failures and statistics", schema: runDescription } },
    },
    async ({ c, params, query: { at, event } }) => {
      if (at !== undefined && event !== undefined) {
        throw new RayflowError("ValidationError", "give at or event, not both");
      }
      const until = at !== undefined ? { seq: at } : event !== undefined ? { event } : undefined;
      const { signal } = c.req.raw;
      return c.json(await runs.describe(await runs.resolve(params.id, signal), until, signal));
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/runs/{id}/result",
      id: "getRunResult",
      tag,
      summary: "How a run ended",
      params: runId,
      query: z.object({ wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0) }),
      answers: {
        200: { description: "The result", schema: runResult },
        202: { description: "It goes on", schema: z.object({ run_id: z.string() }) },
      },
    },
    async ({ c, params, query }) => {
      const id = await runs.resolve(params.id, c.req.raw.signal);
      const signals = [c.req.raw.signal, stopping];
      const result = await untilEnd(nc, runs, id, { waitMs: query.wait * 1000, signals });
      if (result !== undefined) return c.json(await resolveResult(nc, result, MAX_RESULT_BYTES));
      return c.json({ run_id: id }, 202, { Location: `/api/runs/${id}`, "Retry-After": "1" });
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/runs/{id}/history",
      id: "getRunHistory",
      tag,
      summary: "The events of a run, each with what it led to",
      params: runId,
      query: page.extend({
        values: z.enum(["true", "false"]).default("false").openapi({ description: "With inputs and outputs" }),
      }),
      answers: {
        200: {
          description: "`next` is the `after` of the next page; null when there is nothing more now",
          schema: z.object({ events: z.array(runStep), next: z.number().int().nullable() }),
        },
      },
    },
    async ({ c, params, query: { after, limit, values } }) => {
      const { signal } = c.req.raw;
      const options = { after, limit, values: values === "true", maxBytes: MAX_PAGE_BYTES, signal };
      return c.json(await readHistoryPage(runs, await runs.resolve(params.id, signal), options));
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/runs/{id}/log",
      id: "getRunLog",
      tag,
      summary: "The log of a run, as the engine folds it",
      description: "Large values stay references; /api/blobs has what they stand for.",
      params: runId,
      query: page,
      answers: {
        200: {
          description: "`next` is the `after` of the next page; null when there is nothing more now",
          schema: z.object({ entries: z.array(logEntry), next: z.number().int().nullable(), ended: z.boolean() }),
        },
      },
    },
    async ({ c, params, query }) => {
      const { signal } = c.req.raw;
      const options = { ...query, maxBytes: MAX_PAGE_BYTES, gate: logGate(nc, signal) };
      return c.json(await readLogPage(runs.log, await runs.resolve(params.id, signal), options));
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/blobs/run/{run}/{sha256}",
      id: "getLargeValue",
      tag,
      summary: "The large value that a reference stands for",
      description: "The path ends with the id in the reference.",
      params: z.object({
        run: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
      answers: { 200: { description: "The value's JSON", mediaType: "application/json" } },
    },
    async ({ c, params }) => largeValue(c, params),
  );

  async function largeValue(c: Context, { run, sha256 }: { run: string; sha256: string }): Promise<Response> {
    const id = blobId(run, sha256);
    const size = await blobs.sizeOf(id);
    if (size === undefined) throw new RayflowError("DataNotAvailable", `there is no value ${id}`);
    const bytes = await blobs.read({ $blob: { id, size, sha256, type: "dict" } }, c.req.raw.signal);
    return c.body(new Uint8Array(bytes), 200, {
      "Content-Type": "application/json",
      // Under its hash it never changes.
      "Cache-Control": "private, max-age=86400, immutable",
      "Content-Disposition": `attachment; filename="${sha256.slice(0, 12)}.json"`,
    });
  }
}
