/** What a run has used of what it may. Passing a limit ends the run: no error pin and no strategy goes on after it. */
import { limitError, type RunLimit } from "../../flow/index.ts";
import type { RunState } from "./run-state.ts";

export interface Used {
  executions: number;
  iterations: number;
  child_runs: number;
  log_entries: number;
}

/** Counts one more; false: that was one too many, and the run has failed. */
export function take(run: RunState, what: keyof Used, node?: string): boolean {
  run.used[what]++;
  return run.used[what] <= run.limits[what] || exceed(run, what, node);
}

/** Whether there may be so many at once; false: the run has failed. */
export function within(run: RunState, what: RunLimit, count: number, node?: string): boolean {
  return count <= run.limits[what] || exceed(run, what, node);
}

function exceed(run: RunState, what: RunLimit, node: string | undefined): false {
  const error = limitError(
    what,
    run.limits[what],
    node === undefined ? "the run was stopped" : `the run was stopped at ${node}`,
  );
  run.outcome ??= { status: "failed", error: node === undefined ? error : { ...error, node_id: node } };
  return false;
}
