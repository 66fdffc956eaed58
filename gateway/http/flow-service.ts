/**
 * One flow as a service of its own: `POST /execute` takes its inputs and answers with what its RETURN gives.
 *
 * F1. The flow and its version are those of the start: who deploys another one starts the service again.
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { apiSchemaOf, checkFlow, checkInputs, type Flow, RayflowError } from "../../flow/index.ts";
import type { RunResult } from "../../nats/index.ts";
import { silentLogger } from "../../orchestrator/index.ts";
import { createMetrics } from "../../telemetry/index.ts";
import { type GatewayParts, openParts } from "../gateway-parts.ts";
import { hasOrchestrator } from "../request-reply.ts";
import type { RunRequest } from "../run-client.ts";
import { createApp } from "./app.ts";
import { contractOf, type FlowContract } from "./flow-contract.ts";
import { appOptions, type HttpOptions, type HttpServer, serveApp } from "./gateway.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { httpMetrics } from "./metrics.ts";
import type { Answer, Operations } from "./operation.ts";
import { problemResponse } from "./problem.ts";
import { startRun } from "./start-run.ts";

export interface FlowServiceOptions extends HttpOptions {
  /** The flow's JSON, or the name of a deployed one. */
  readonly flow: { readonly flow: unknown } | { readonly flowRef: string };
  /** How long a request waits for its run, ms. Default 300 000. */
  readonly timeoutMs?: number | undefined;
}

/** Serves one flow. @throws InvalidFlow, FlowNotFound, PortTaken, UsageError, ConnectionFailed */
export async function serveFlow(options: FlowServiceOptions): Promise<HttpServer> {
  const { nc, logger = silentLogger } = options;
  const parts = await openParts(nc);
  const stopping = new AbortController();
  const { version } = options;
  const metrics = httpMetrics(options.metrics ?? createMetrics({ service: "flow", version }));
  try {
    const { flow, request } = await resolve(options.flow, parts);
    const contract = contractOf(flow);
    const execute = executor(options, flow, request, { metrics, stopping: stopping.signal });
    const app = createApp({
      ...appOptions(options),
      logger,
      metrics,
      title: contract.name,
      version: contract.version ?? version,
      routes: (operations) => {
        addExecute(operations, contract, execute);
        addAbout(operations, contract, parts);
        addHealthRoutes(operations, { nc, metrics, stopping: stopping.signal });
      },
    });
    return await serveApp(app, options, stopping, () => {
      metrics.end();
      parts[Symbol.dispose]();
    });
  } catch (error) {
    parts[Symbol.dispose]();
    throw error;
  }
}

const DEFAULT_TIMEOUT_MS = 300_000;
const ASK_MS = 1_000;
const tag = "flow";

/** The flow that is to be served, checked, and what a run of it is submitted with. */
async function resolve(
  asked: FlowServiceOptions["flow"],
  { flows, types }: GatewayParts,
): Promise<{ flow: Flow; request: RunRequest }> {
  const flowRef = "flowRef" in asked ? await flows.pin(asked.flowRef) : undefined;
  const [name = "", version] = flowRef?.split("@") ?? [];
  const json = "flow" in asked ? asked.flow : (await flows.get(name, version)).flow;
  const { flow, errors, warnings } = checkFlow(json, types);
  if (flow === undefined || errors.length > 0) {
    const message = `the flow has ${errors.length} errors: ${errors[0]?.message ?? ""}`;
    throw new RayflowError("InvalidFlow", message, { details: { errors, warnings } });
  }
  return { flow, request: flowRef === undefined ? { flow: json } : { flowRef } };
}

type Execute = (c: Context, inputs: Readonly<Record<string, unknown>>) => Promise<Response>;

function executor(
  { nc, timeoutMs = DEFAULT_TIMEOUT_MS }: FlowServiceOptions,
  flow: Flow,
  request: RunRequest,
  parts: Pick<Parameters<typeof startRun>[3], "metrics" | "stopping">,
): Execute {
  const start = flow.nodes.find(({ type }) => type === "start");
  const declared = start && apiSchemaOf(start);
  return async (c, inputs) => {
    const { problems } = checkInputs(declared, inputs);
    if (problems.length > 0) {
      const errors = problems.map((message) => ({ code: "INPUT", message }));
      throw new RayflowError("ValidationError", problems.join("; "), { details: { errors } });
    }
    // By the flow's name, not its version: a service that was started anew answers a repetition as before.
    const asked = { service: flow.name, inputs };
    const run = await startRun(c, nc, { ...request, inputs }, { ...parts, asked, wait: true, timeoutMs });
    if (run.ended) return answerWith(run.result);
    const { runId } = run.submitted;
    const message = `run ${runId} did not end within ${timeoutMs / 1000} s; it goes on`;
    throw new RayflowError("RunTimeout", message, { details: { run_id: runId } });
  };
}

/** The RETURN's status and inputs as the answer; a run that failed is a problem. */
function answerWith({ run_id, success, status_code, result, error }: RunResult): Response {
  const headers = { "Rayflow-Run-Id": run_id };
  if (!success) {
    const why = error ?? { code: "NodeExecutionError", message: "the run failed", retryable: false };
    return problemResponse({ ...why, details: { run_id, node_id: why.node_id } }, headers);
  }
  const status = responseStatus(status_code ?? 200);
  if (status === 204 || status === 205 || status === 304) return new Response(null, { status, headers });
  return Response.json(result ?? {}, { status, headers });
}

/** An interim status is no answer. */
function responseStatus(code: number): number {
  return code >= 200 && code <= 599 ? code : 200;
}

function addExecute(operations: Operations, contract: FlowContract, execute: Execute): void {
  const byStatus = new Map<number, Answer>();
  for (const { name, status_code, body } of contract.returns) {
    const status = responseStatus(status_code);
    const known = byStatus.get(status);
    const description = known === undefined ? name : `${known.description}, ${name}`;
    byStatus.set(status, { description, jsonSchema: known === undefined ? body : {} });
  }
  operations.add(
    {
      method: "post",
      path: "/execute",
      id: "execute",
      submits: true,
      tag,
      summary: `Run ${contract.name}`,
      ...(contract.description === undefined ? {} : { description: contract.description }),
      headers: { "Idempotency-Key": "The same key twice is one run, and one result; with another body it is refused" },
      body: z.record(z.string(), z.unknown()),
      bodySchema: contract.inputs,
      answers: Object.fromEntries(byStatus),
    },
    ({ c, body }) => execute(c, body),
  );
}

function addAbout(operations: Operations, contract: FlowContract, { nc }: GatewayParts): void {
  operations.add(
    {
      method: "get",
      path: "/schema",
      id: "getSchema",
      tag,
      summary: "What the flow takes and gives",
      open: true,
      answers: { 200: { description: "As JSON Schema", mediaType: "application/json" } },
    },
    ({ c }) => c.json(contract),
  );
  operations.add(
    {
      method: "get",
      path: "/health",
      id: "getFlowHealth",
      tag,
      summary: "Whether the flow can run",
      open: true,
      answers: {
        200: { description: "It can", mediaType: "application/json" },
        503: { description: "No orchestrator answers", mediaType: "application/json" },
      },
    },
    async ({ c }) => {
      const ready = !nc.isClosed() && (await hasOrchestrator(nc, ASK_MS));
      return c.json({ status: ready ? "ok" : "unavailable", flow: contract.name }, ready ? 200 : 503);
    },
  );
}
