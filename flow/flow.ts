/** What a flow is once it is normalised: the one shape that the validator, the graph builder and the log know. */
import { z } from "zod";

/** Most nodes that one flow may have. */
export const MAX_NODES = 10_000;
/** Most edges that one flow may have. */
export const MAX_EDGES = 100_000;
/** What a node id looks like: ids go into subjects and keys. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
/** Depth of nested values that a flow or an input may have. */
export const MAX_VALUE_DEPTH = 64;

const jsonObject = z.record(z.string(), z.unknown());

/** A span of time as flow authors write it: seconds as a number, or "250ms", "1s", "5m", "2h", "7d". */
export const duration = z.union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?\s*(ms|s|m|h|d)$/)]);
export type Duration = z.infer<typeof duration>;

/** When and how often a failed node is tried again. */
export const retryPolicy = z.object({
  /** Attempts in all, the first included. Default 1: no retry. */
  max_attempts: z.number().int().min(1).max(1000).default(1),
  /** Wait before the second attempt. Default "1s". */
  initial_interval: duration.default("1s"),
  /** Factor from one wait to the next. Default 2. */
  backoff: z.number().min(1).max(100).default(2),
  /** Cap on one wait. Default "60s". */
  max_interval: duration.default("60s"),
  /** Spreads the waits by up to half, by the execution id, so a replay waits the same. Default true. */
  jitter: z.boolean().default(true),
  /** Error codes that are not worth another try. */
  non_retryable: z.array(z.string()).default([]),
});
export type RetryPolicy = z.infer<typeof retryPolicy>;

export const nodePolicy = z.object({
  retry: retryPolicy.optional(),
  /** Longest time of one attempt. Default 5 minutes. */
  timeout: duration.optional(),
  /** The longest silence of a running attempt before its actor counts as lost. */
  heartbeat: duration.optional(),
  /** Longest time of all attempts together. */
  deadline: duration.optional(),
  /** "continue": a failure completes the node, its outputs are the defaults of who reads them. */
  on_error: z.enum(["fail", "continue"]).optional(),
  cache: z.object({ ttl: duration, key: z.string().optional() }).optional(),
});
export type NodePolicy = z.infer<typeof nodePolicy>;

export const flowNode = z.object({
  id: z.string(),
  /** Canonical: `math_add`, `start`. */
  type: z.string(),
  label: z.string().optional(),
  position: z.object({ x: z.number(), y: z.number() }).optional(),
  config: jsonObject,
  /** Literal inputs by pin; `null` is a value. */
  constants: jsonObject,
  policy: nodePolicy.optional(),
});
export type FlowNode = z.infer<typeof flowNode>;

export const flowEdge = z.object({
  id: z.string(),
  kind: z.enum(["exec", "data"]),
  source: z.string(),
  source_pin: z.string(),
  target: z.string(),
  target_pin: z.string(),
});
export type FlowEdge = z.infer<typeof flowEdge>;

export const errorStrategy = z.enum(["abort", "continue", "retry", "pause"]);
export type ErrorStrategy = z.infer<typeof errorStrategy>;

/** A normalised flow. It is itself readable as input again (`normalizeFlow(flow)` gives it back). */
export const flow = z.object({
  name: z.string(),
  version: z.string().optional(),
  description: z.string().optional(),
  /** What the run's variables start with. */
  variables: jsonObject,
  /** What happens when a node fails and nothing nearer handles it. Default "abort". */
  error_strategy: errorStrategy,
  /** "await": after the first RETURN, what is in flight may finish before the run ends. Default "cancel". */
  drain: z.enum(["cancel", "await"]),
  nodes: z.array(flowNode),
  edges: z.array(flowEdge),
});
export type Flow = z.infer<typeof flow>;

/** One field of START's `api_schema`. */
export const apiField = z.object({
  type: z.string(),
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  description: z.string().optional(),
});
export const apiSchema = z.record(z.string(), apiField);
export type ApiSchema = z.infer<typeof apiSchema>;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration in milliseconds. A number is seconds. */
export function durationMs(value: Duration): number {
  if (typeof value === "number") return value * 1000;
  const match = /^([\d.]+)\s*(ms|s|m|h|d)$/.exec(value.trim());
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : Number.NaN;
}
