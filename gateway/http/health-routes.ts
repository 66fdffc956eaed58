/** Whether the gateway lives, whether it can do its work, and what it counts. */
import { z } from "@hono/zod-openapi";
import type { NatsConnection } from "@nats-io/transport-node";
import { hasOrchestrator } from "../request-reply.ts";
import type { HttpMetrics } from "./metrics.ts";
import type { Operations } from "./operation.ts";

export interface HealthOptions {
  readonly nc: NatsConnection;
  readonly metrics: HttpMetrics;
  /** Aborts when the gateway stops: from then on it is not ready. */
  readonly stopping: AbortSignal;
}

const ASK_MS = 1_000;
/** Whoever asks more often is told the same, ms. */
const REMEMBER_MS = 1_000;
const tag = "health";
const readiness = z.object({ ready: z.boolean(), nats: z.boolean(), orchestrator: z.boolean() });
type Readiness = z.infer<typeof readiness>;

export function addHealthRoutes(operations: Operations, { nc, metrics, stopping }: HealthOptions): void {
  operations.add(
    {
      method: "get",
      path: "/healthz",
      id: "getHealth",
      tag,
      summary: "The process answers",
      open: true,
      answers: { 200: { description: "It lives, whatever NATS does", schema: z.object({ status: z.literal("ok") }) } },
    },
    ({ c }) => c.json({ status: "ok" }),
  );
  let last: { readonly at: number; readonly found: Promise<Readiness> } | undefined;
  operations.add(
    {
      method: "get",
      path: "/readyz",
      id: "getReadiness",
      tag,
      summary: "NATS and an orchestrator answer",
      open: true,
      answers: {
        200: { description: "Runs can run", schema: readiness },
        503: { description: "They cannot", schema: readiness },
      },
    },
    async ({ c }) => {
      if (last === undefined || performance.now() - last.at > REMEMBER_MS) {
        last = { at: performance.now(), found: readinessOf(nc) };
      }
      const found = await last.found;
      const ready = found.ready && !stopping.aborted;
      return c.json({ ...found, ready }, ready ? 200 : 503);
    },
  );
  operations.add(
    {
      method: "get",
      path: "/metrics",
      id: "getMetrics",
      tag,
      summary: "The metrics of this process, for Prometheus",
      answers: { 200: { description: "Prometheus text", mediaType: "text/plain" } },
    },
    async ({ c }) => c.body(await metrics.text(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
}

/** Whether runs can run, as far as this process sees. */
export async function readinessOf(nc: NatsConnection): Promise<Readiness> {
  const orchestrator = !nc.isClosed() && (await hasOrchestrator(nc, ASK_MS));
  const nats = orchestrator || (await answers(nc));
  return { ready: nats && orchestrator, nats, orchestrator };
}

async function answers(nc: NatsConnection): Promise<boolean> {
  if (nc.isClosed()) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), ASK_MS);
  });
  const there = nc.rtt().then(
    () => true,
    () => false,
  );
  return Promise.race([there, late]).finally(() => clearTimeout(timer));
}
