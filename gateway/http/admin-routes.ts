/** What `rayflow doctor` knows, and what the editor asks for first. */
import { z } from "@hono/zod-openapi";
import { jetstreamManager } from "@nats-io/jetstream";
import { ensureTopology } from "../../nats/index.ts";
import { readActors, readPartitions } from "../cluster.ts";
import { diagnose } from "../diagnosis.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { askOrchestrators, orchestratorStatus } from "../request-reply.ts";
import { logReadsOn } from "../shared-reads.ts";
import type { Operations } from "./operation.ts";

export interface AdminOptions {
  readonly version: string;
  readonly hasToken: boolean;
  /** Where a run's trace is, with `{trace_id}` in it. */
  readonly jaegerUrl: string | undefined;
}

const ASK_MS = 300;
const check = z.object({
  name: z.string(),
  level: z.enum(["ok", "warn", "fail"]),
  message: z.string(),
  advice: z.string().optional(),
});
const count = z.number().int();
const partition = z.object({
  partition: count,
  owner: z.string().nullable(),
  replay_from: count.nullable(),
  emitted_through: count.nullable(),
  checkpoint_at: z.string().nullable(),
});
const actor = z.object({ type: z.string(), waiting: count, queued: count, running: count });
const tag = "admin";

export function addAdminRoutes(operations: Operations, { nc }: GatewayParts, options: AdminOptions): void {
  const { version, hasToken, jaegerUrl = null } = options;
  operations.add(
    {
      method: "get",
      path: "/api/admin/status",
      id: "getStatus",
      tag,
      summary: "Whether runs can run, and what keeps them from it",
      answers: {
        200: {
          description: "What `rayflow doctor` finds",
          schema: z.object({
            healthy: z.boolean(),
            checks: z.array(check),
            orchestrators: z.array(orchestratorStatus),
          }),
        },
      },
    },
    async ({ c }) => {
      const look = () => Promise.all([diagnose(nc), askOrchestrators(nc, ASK_MS)]);
      const [checks, orchestrators] = await logReadsOn(nc).share("status", look, c.req.raw.signal);
      return c.json({ healthy: checks.every(({ level }) => level !== "fail"), checks, orchestrators });
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/admin/partitions",
      id: "listPartitions",
      tag,
      summary: "Which orchestrator drives which partition",
      answers: { 200: { description: "All of them", schema: z.object({ partitions: z.array(partition) }) } },
    },
    async ({ c }) => {
      const { partitions } = await ensureTopology(nc);
      return c.json({ partitions: await readPartitions(nc, partitions) });
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/admin/actors",
      id: "listActors",
      tag,
      summary: "Which node types are served, and how much waits for them",
      answers: { 200: { description: "By type", schema: z.object({ actors: z.array(actor) }) } },
    },
    async ({ c }) => c.json({ actors: await readActors(await jetstreamManager(nc, { checkAPI: false })) }),
  );
  operations.add(
    {
      method: "get",
      path: "/api/config",
      id: "getConfig",
      tag,
      summary: "What the editor asks first",
      open: true,
      answers: {
        200: {
          description: "jaeger_url has {trace_id} in it",
          schema: z.object({ version: z.string(), auth: z.boolean(), jaeger_url: z.string().nullable() }),
        },
      },
    },
    ({ c }) => c.json({ version, auth: hasToken, jaeger_url: jaegerUrl }),
  );
}
