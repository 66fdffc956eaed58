/** What the monitoring page shows of deliberations. The gateway serves it; the room of deliberations gives it. */
import { z } from "zod";

/** ISO 8601. */
const instant = z.string();
const count = z.number().int();

export const connectionView = z.object({
  name: z.string(),
  state: z.enum(["ok", "down", "unknown"]),
  detail: z.string(),
});
export type ConnectionView = z.infer<typeof connectionView>;

export const serviceView = z.object({
  /** `executor`, `context`, `gateway`, `orchestrator`. */
  service: z.string(),
  id: z.string(),
  version: z.string(),
  uptime_seconds: z.number().nullable(),
  connections: z.array(connectionView),
});
export type ServiceView = z.infer<typeof serviceView>;

export const deliberationStatus = z.enum(["running", "completed", "failed", "cancelled"]);

export const deliberationView = z.object({
  deliberation_id: z.string(),
  task_id: z.string(),
  task_description: z.string(),
  role: z.string(),
  status: deliberationStatus,
  agent_ids: z.array(z.string()),
  submitted_at: instant,
  ended_at: instant.nullable(),
  error: z.string().nullable(),
  plan_id: z.string().nullable(),
  story_id: z.string().nullable(),
});
export type DeliberationView = z.infer<typeof deliberationView>;

export const councilView = z.object({
  role: z.string(),
  deliberations: count,
  last_active_at: instant,
  agents: z.array(z.object({ id: z.string(), model: z.string(), deliberations: count, last_active_at: instant })),
});
export type CouncilView = z.infer<typeof councilView>;

export const jobView = z.object({
  job_id: z.string(),
  node: z.string(),
  type: z.string(),
  state: z.enum(["RUNNING", "RETRYING", "PENDING"]),
  deliberation_id: z.string(),
  task_id: z.string(),
  role: z.string(),
  agent_id: z.string().nullable(),
  attempt: count,
  started_at: instant.nullable(),
});
export type JobView = z.infer<typeof jobView>;

export const monitoringOverview = z.object({
  at: instant,
  services: z.array(serviceView),
  actors: z.array(z.object({ type: z.string(), waiting: count, queued: count, running: count })),
  totals: z.object({
    total: count,
    active: count,
    completed: count,
    failed: count,
    cancelled: count,
    average_execution_time_ms: z.number(),
  }),
  /** Live ones first. */
  deliberations: z.array(deliberationView),
  councils: z.array(councilView),
  jobs: z.array(jobView),
});
export type MonitoringOverview = z.infer<typeof monitoringOverview>;

/** What an agent has said so far in one round. */
export const agentStream = z.object({
  agent_id: z.string(),
  round: count,
  attempt: count,
  state: z.enum(["streaming", "completed", "failed"]),
  text: z.string(),
  /** Of the last token in `text`, from 0; -1 before the first. */
  seq: count,
  score: z.number().nullable(),
  error: z.string().nullable(),
});
export type AgentStream = z.infer<typeof agentStream>;

export const deliberationDetail = deliberationView.extend({
  winner: z.object({ agent_id: z.string(), proposal: z.string(), score: z.number() }).nullable(),
  agents: z.array(agentStream),
});
export type DeliberationDetail = z.infer<typeof deliberationDetail>;

export const testCase = z.object({ name: z.string(), description: z.string() });
export type TestCase = z.infer<typeof testCase>;

export const testCaseRun = z.object({
  test_case: z.string(),
  plan_id: z.string(),
  deliberations: z.array(z.object({ task_id: z.string(), deliberation_id: z.string() })),
});
export type TestCaseRun = z.infer<typeof testCaseRun>;

export interface Monitoring {
  /** Subjects whose messages the page shows as they pass. */
  readonly subjects: readonly string[];
  /** Those of them that are many and soon worth nothing. */
  readonly isFleeting: (subject: string) => boolean;
  readonly testCases: readonly TestCase[];
  overview(): Promise<MonitoringOverview>;
  /** @throws RunNotFound */
  deliberation(id: string): Promise<DeliberationDetail>;
  /** @throws ValidationError when there is none of that name */
  execute(testCase: string): Promise<TestCaseRun>;
}
