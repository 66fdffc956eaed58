/** How the lines of a log name a run. */
import { parseTraceparent } from "./run/trace-ids.ts";

/** `run_id`, and `trace_id` if the run, or who asked for it, has a trace. */
export function runFields(run: string, traceparent: string | undefined): { run_id: string; trace_id?: string } {
  const trace = parseTraceparent(traceparent);
  return trace === undefined ? { run_id: run } : { run_id: run, trace_id: trace.traceId };
}
