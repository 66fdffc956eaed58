/** What the monitoring page asks for: how everything is, one deliberation, messages as they pass, test cases. */
import { z } from "@hono/zod-openapi";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import { deliberationDetail, type Monitoring, monitoringOverview, testCase, testCaseRun } from "../monitoring.ts";
import { EventRing } from "./event-ring.ts";
import type { EventStreams } from "./event-stream.ts";
import type { Operations } from "./operation.ts";

export interface MonitoringRouteOptions {
  readonly streams: EventStreams;
  /** Aborts when the gateway stops. */
  readonly signal: AbortSignal;
}

const tag = "monitoring";
const MAX_FILTERS = 20;

export function addMonitoringRoutes(
  operations: Operations,
  nc: NatsConnection,
  monitoring: Monitoring,
  { streams, signal: stopping }: MonitoringRouteOptions,
): void {
  const ring = new EventRing({ nc, subjects: monitoring.subjects, isFleeting: monitoring.isFleeting });
  stopping.addEventListener("abort", () => ring.stop(), { once: true });
  operations.add(
    {
      method: "get",
      path: "/api/monitoring/overview",
      id: "getMonitoringOverview",
      tag,
      summary: "How services, deliberations, councils and jobs are",
      answers: { 200: { description: "All of it, as it is now", schema: monitoringOverview } },
    },
    async ({ c }) => c.json(await monitoring.overview()),
  );
  operations.add(
    {
      method: "get",
      path: "/api/monitoring/deliberations/{id}",
      id: "getDeliberation",
      tag,
      summary: "A deliberation with what each agent has said so far",
      params: z.object({ id: z.string().min(1).max(64) }),
      answers: { 200: { description: "As it is now", schema: deliberationDetail } },
    },
    async ({ c, params }) => c.json(await monitoring.deliberation(params.id)),
  );
  operations.add(
    {
      method: "get",
      path: "/api/monitoring/events",
      id: "followMessages",
      tag,
      summary: "Messages of plans, deliberations, agents and contexts as they pass",
      description:
        "Server-sent events: `message` with subject, time and data, and a number as id. The last 1 000 are kept while somebody looks: come back with Last-Event-ID.",
      query: z.object({
        after: z.coerce.number().int().nonnegative().default(0),
        subject: z
          .string()
          .max(500)
          .optional()
          .openapi({ description: "Subjects with commas between, with NATS's wildcards" }),
      }),
      headers: { "Last-Event-ID": "The last number that is known; goes before `after`" },
      answers: { 200: { description: "The stream", mediaType: "text/event-stream" } },
    },
    ({ c, query }) => {
      const wanted = filterOf(query.subject);
      const after = lastEventId(c.req.header("last-event-id")) ?? query.after;
      return streams.serve(c, { stream: "messages" }, async ({ write, signal }) => {
        for await (const { id, ...message } of ring.follow(after, signal)) {
          if (wanted(message.subject)) await write("message", message, id);
        }
      });
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/admin/test-cases",
      id: "listTestCases",
      tag: "admin",
      summary: "What can be tried out",
      answers: { 200: { description: "All of them", schema: z.object({ test_cases: z.array(testCase) }) } },
    },
    ({ c }) => c.json({ test_cases: [...monitoring.testCases] }),
  );
  operations.add(
    {
      method: "post",
      path: "/api/admin/test-cases/execute",
      id: "executeTestCase",
      tag: "admin",
      summary: "Try one out: publishes a plan, as a planner would",
      query: z.object({ test_case: z.string().min(1).max(100).default("basic") }),
      answers: { 202: { description: "What comes of it", schema: testCaseRun } },
    },
    async ({ c, query }) => c.json(await monitoring.execute(query.test_case), 202),
  );
}

/** @throws ValidationError */
function filterOf(text: string | undefined): (subject: string) => boolean {
  if (text === undefined || text.trim() === "") return () => true;
  const filters = text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  if (filters.length > MAX_FILTERS) throw new RayflowError("ValidationError", `at most ${MAX_FILTERS} subjects`);
  for (const one of filters) {
    if (/^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/.test(one)) continue;
    throw new RayflowError("ValidationError", `query.subject: ${JSON.stringify(one)} is no subject`);
  }
  const patterns = filters.map((one) => one.split("."));
  return (subject) => patterns.some((pattern) => fits(pattern, subject.split(".")));
}

function fits(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (const [at, part] of pattern.entries()) {
    if (part === ">") return tokens.length > at;
    if (tokens[at] === undefined || (part !== "*" && part !== tokens[at])) return false;
  }
  return tokens.length === pattern.length;
}

/** @throws ValidationError */
function lastEventId(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RayflowError("ValidationError", "Last-Event-ID is the number of a message");
}
