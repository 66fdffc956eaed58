/** The names of RayFlow's streams, buckets and consumers. */

export const STREAMS = {
  /** Submissions that no orchestrator has taken yet. */
  submit: "RAYFLOW_SUBMIT",
  /** Work that no actor has finished yet. */
  nodes: "RAYFLOW_NODES",
  /** Everything that changes a live run. */
  log: "RAYFLOW_LOG",
  /** Finished runs. */
  history: "RAYFLOW_HISTORY",
  /** Schedules, and what they fire. */
  timers: "RAYFLOW_TIMERS",
} as const;

/** KV buckets, and `blobs`, which is an object store. */
export const BUCKETS = {
  vars: "rayflow_vars",
  flows: "rayflow_flows",
  catalog: "rayflow_catalog",
  checkpoints: "rayflow_checkpoints",
  leases: "rayflow_leases",
  cache: "rayflow_cache",
  blueprints: "rayflow_blueprints",
  /** What execution tokens are made with: for orchestrators and gateways alone. */
  keys: "rayflow_keys",
  /** What actors share of limits: slots, rates, budgets. All of it passes. */
  limits: "rayflow_limits",
  blobs: "rayflow_blobs",
} as const;

/** Streams around deliberations; their limits are said in deliberation/. */
export const EVENT_STREAMS = {
  planning: "PLANNING_EVENTS",
  orchestration: "ORCHESTRATOR_EVENTS",
  context: "CONTEXT_EVENTS",
  agentResults: "AGENT_RESULTS",
  streaming: "VLLM_STREAMING",
} as const;

/** KV buckets of deliberations. */
export const DELIBERATION_BUCKETS = {
  /** Which task is which deliberation, and what was asked for. */
  records: "rayflow_deliberations",
  /** What was decided, where there is no graph database. */
  context: "rayflow_context",
} as const;

/** Durable consumers of those streams. */
export const EVENT_CONSUMERS = { plans: "rayflow-plans", context: "rayflow-context" } as const;

/** The stream behind a KV bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** The stream behind an object store. */
export function objectStream(store: string): string {
  return `OBJ_${store}`;
}
