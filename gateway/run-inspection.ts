/** A run as XState's inspection protocol tells of it: its log, folded through XState's own machine. */
import type { NatsConnection } from "@nats-io/transport-node";
import { ensureTopology, partitionOf } from "../nats/index.ts";
import { inspectedMachine, Run, type RunInspection } from "../orchestrator/index.ts";
import type { RunLog } from "../store/index.ts";
import { followLog } from "./run-feed.ts";

/**
 * What there is to tell of a run so far, and what comes, until it has ended or the signal aborts.
 * @throws RunNotFound, ConnectionFailed
 */
export async function* inspectRun(
  nc: NatsConnection,
  log: RunLog,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<RunInspection> {
  const { partitions } = await ensureTopology(nc);
  const told: RunInspection[] = [];
  const machine = await inspectedMachine((event) => void told.push(event));
  let run: Run | undefined;
  for await (const item of followLog(nc, log, id, { after: 0, signal })) {
    if (item.kind === "end") return;
    const { entry } = item;
    if (run) run.apply(entry);
    else if (entry.kind === "run" && entry.message.kind === "submitted") {
      const at = { partition: partitionOf(id, partitions), seq: entry.seq, timeMs: entry.timeMs };
      run = new Run(entry.message, at, undefined, undefined, machine);
      run.begin();
    }
    yield* told.splice(0);
  }
}
