/** Builders of log messages for tests. */
import { type ResultMessage, type RunMessage, type RunResult, WIRE_VERSION } from "../nats/index.ts";

export function runResultOf(run: string, more: Partial<RunResult> = {}): RunResult {
  return {
    run_id: run,
    success: true,
    status: "succeeded",
    return: "done",
    status_code: 200,
    result: { sum: 3 },
    error: null,
    statistics: {
      total_time: 0.1,
      nodes_executed: 1,
      nodes_failed: 0,
      nodes_skipped: 0,
      node_times: { add: 0.001 },
      errors: [],
    },
    ...more,
  };
}

export function timerMessage(run: string, id: string): RunMessage {
  return { v: WIRE_VERSION, kind: "timer", run, id };
}

export function finishedMessage(run: string, more: Partial<RunResult> = {}): RunMessage {
  return { v: WIRE_VERSION, kind: "finished", run, result: runResultOf(run, more) };
}

/** One result for each of these runs, in one message. */
export function resultsFor(...runs: string[]): ResultMessage {
  const results = runs.map((run) => ({
    id: `${run}:add@#1`,
    run,
    status: "ok" as const,
    outputs: { result: 3 },
    started_at: 1,
    duration_ms: 1,
    actor: "a1",
  }));
  return { v: WIRE_VERSION, type: "math_add", results };
}
