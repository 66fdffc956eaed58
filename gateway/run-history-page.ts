/** A page of a run's events, for the HTTP API and `rayflow.svc.runs.history`. */
import type { RunDirectory } from "./run-directory.ts";
import type { RunStep } from "./run-views.ts";

export interface HistoryPageOptions {
  /** The number of the last event that is known. */
  readonly after: number;
  readonly limit: number;
  /** Whether inputs and outputs are wanted. */
  readonly values: boolean;
  /** A page ends before it grows past this, bytes of JSON. */
  readonly maxBytes: number;
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** `next`: the `after` of the next page; null when there is nothing more now. @throws RunNotFound */
export async function readHistoryPage(
  directory: RunDirectory,
  id: string,
  { after, limit, values, maxBytes, signal }: HistoryPageOptions,
): Promise<{ events: RunStep[]; next: number | null }> {
  const events: RunStep[] = [];
  let bytes = 0;
  for await (const step of directory.events(id, { values, ...(signal && { signal }) })) {
    if (step.event <= after) continue;
    bytes += JSON.stringify(step).length;
    // At least one, so that who asks again and again comes to the end.
    if (events.length > 0 && (events.length === limit || bytes > maxBytes)) return { events, next: step.event - 1 };
    events.push(step);
  }
  return { events, next: null };
}
