/** The numbers behind a node's policy: how long, how often, how soon again. */
import { durationMs, type NodePolicy, type RetryPolicy, retryPolicy } from "../../flow/index.ts";
import { fractionOf } from "./ids.ts";

/** Longest time of one attempt without a policy, ms. */
export const DEFAULT_TIMEOUT_MS = 300_000;
/** Attempts in all under the flow's error_strategy "retry". */
export const STRATEGY_ATTEMPTS = 4;

export function timeoutMsOf(policy: NodePolicy | undefined): number {
  return policy?.timeout === undefined ? DEFAULT_TIMEOUT_MS : Math.max(1, durationMs(policy.timeout));
}

/** What the flow's error_strategy "retry" means for a node without a retry policy. */
export const strategyRetry: RetryPolicy = retryPolicy.parse({ max_attempts: STRATEGY_ATTEMPTS });

/** Milliseconds to wait before the attempt after `attempt`. */
export function backoffMs(policy: RetryPolicy, attempt: number, executionId: string): number {
  const initial = durationMs(policy.initial_interval);
  const cap = durationMs(policy.max_interval);
  // Past some hundred attempts the power overflows; the cap takes over long before.
  const full = Math.min(cap, initial * policy.backoff ** Math.min(attempt - 1, 200));
  return Math.round(policy.jitter ? full * (0.5 + fractionOf(executionId) / 2) : full);
}
