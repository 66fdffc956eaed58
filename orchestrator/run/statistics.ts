/** What a run came to and what it took, counted as the log is folded. */
import type { RunResult } from "../../nats/messages.ts";
import type { Activation, RunState } from "./run-state.ts";
import { nodeOf } from "./state-tracker.ts";

/** Most errors that a run's report lists; the count is exact all the same. */
const MAX_ERRORS_LISTED = 100;

/** Adds to the time of a node; the same node in many iterations adds up. */
export function addTime(run: RunState, node: string, ms: number): void {
  run.statistics.timesMs.set(node, (run.statistics.timesMs.get(node) ?? 0) + ms);
}

/** Counts an activation that ran to its end. */
export function countSettled(run: RunState, activation: Activation): void {
  const { statistics } = run;
  if (activation.state === "skipped") {
    statistics.skipped++;
    return;
  }
  if (activation.state === "cancelled") return;
  statistics.executed++;
  // What an actor did is timed by the actor; what the machine did itself, by the log.
  const ms = nodeOf(run, activation.node).kind === "actor" ? activation.workedMs : run.now - activation.startedAt;
  addTime(run, activation.node, Math.max(0, ms));
  if (activation.error) {
    statistics.failed++;
    if (statistics.errors.length < MAX_ERRORS_LISTED) {
      statistics.errors.push({ ...activation.error, node_id: activation.error.node_id ?? activation.node });
    }
  }
}

const seconds = (ms: number): number => Math.round(ms * 1000) / 1_000_000;

/** The result object of DESIGN §4. The run must have an outcome. */
export function resultOf(run: RunState): RunResult {
  const { outcome, statistics } = run;
  const succeeded = outcome?.status === "succeeded" ? outcome : undefined;
  return {
    run_id: run.id,
    success: succeeded !== undefined,
    status: outcome?.status ?? "failed",
    return: succeeded?.returned ?? null,
    status_code: succeeded?.statusCode ?? null,
    result: succeeded?.result ?? null,
    error: outcome && outcome.status !== "succeeded" ? outcome.error : null,
    statistics: {
      total_time: seconds(run.now - run.submittedAt),
      nodes_executed: statistics.executed,
      nodes_failed: statistics.failed,
      nodes_skipped: statistics.skipped,
      node_times: Object.fromEntries([...statistics.timesMs].map(([node, ms]) => [node, seconds(ms)])),
      errors: statistics.errors,
    },
  };
}
