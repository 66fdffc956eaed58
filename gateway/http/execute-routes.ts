/** Starts runs: `POST /api/flows/execute`. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { runOptions, runResult } from "../../nats/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import type { SubmittedRun } from "../run-client.ts";
import type { HttpMetrics } from "./metrics.ts";
import type { Operations } from "./operation.ts";
import { runRequestOf } from "./run-request.ts";
import { startRun } from "./start-run.ts";

export interface ExecuteOptions {
  readonly metrics: HttpMetrics;
  /** Aborts when the gateway stops. */
  readonly stopping: AbortSignal;
}

const executeBody = z.looseObject({
  flow: z.record(z.string(), z.unknown()).optional().openapi({ description: "In any of the shapes that are read" }),
  flowRef: z.string().optional().openapi({ description: "A deployed flow: name or name@version" }),
  inputs: z.record(z.string(), z.unknown()).optional(),
  options: runOptions.optional(),
});
const started = z.object({ run_id: z.string() });
const MAX_WAIT_S = 3_600;
const DEFAULT_WAIT_S = 300;

export function addExecuteRoutes(operations: Operations, parts: GatewayParts, options: ExecuteOptions): void {
  operations.add(
    {
      method: "post",
      path: "/api/flows/execute",
      id: "executeFlow",
      submits: true,
      tag: "flows",
      summary: "Run a flow",
      description:
        "Waits for the result; a run that failed is a result with success: false. The run goes on when the caller goes. After `timeout` seconds, and with wait=false at once, the answer is 202 with the run's address.",
      query: z.object({
        wait: z.enum(["true", "false"]).default("true"),
        timeout: z.coerce.number().positive().max(MAX_WAIT_S).default(DEFAULT_WAIT_S),
      }),
      headers: { "Idempotency-Key": "The same key twice is one run, and one result; with another body it is refused" },
      body: executeBody,
      answers: {
        200: { description: "The result", schema: runResult },
        202: { description: "It goes on; Location is its address", schema: started },
      },
    },
    async ({ c, query, body }) => {
      const run = await startRun(c, parts.nc, await runRequestOf(body, parts), {
        ...options,
        asked: body,
        timeoutMs: query.timeout * 1000,
        wait: query.wait === "true",
      });
      return run.ended ? c.json(run.result) : going(c, run.submitted);
    },
  );
}

function going(c: Context, { runId, duplicate }: SubmittedRun): Response {
  return c.json({ run_id: runId, duplicate }, 202, { Location: `/api/runs/${runId}` });
}
