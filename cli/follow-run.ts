/** `rayflow run --debug`: submits a run and shows, from its log, what each node was given, gave and took, as it happens. */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import type { RunRequest } from "../gateway/index.ts";
import type { RunEvent, RunResult } from "../nats/index.ts";
import { type Output, styled } from "./output.ts";
import { type RunFlowOptions, runToEnd } from "./run-flow.ts";
import { stepPrinter, waitingLine } from "./run-progress.ts";
import { openRuns } from "./runs-connection.ts";

export interface FollowRunOptions extends Omit<RunFlowOptions, "onEvent"> {
  readonly output: Output;
  /** Prints values whole. */
  readonly full: boolean;
}

/** How long the last lines may take when the result is there already: its end is written down a moment later. */
const LAST_LINES_MS = 5_000;

/**
 * Prints to stderr; as JSON lines (`jsonl`) to stdout, an event of the log each.
 * @throws InvalidFlow, RunTimeout, ConnectionFailed, Interrupted
 */
export async function runAndFollow(
  nc: NatsConnection,
  request: RunRequest,
  { output, full, ...options }: FollowRunOptions,
): Promise<RunResult> {
  const leave = new AbortController();
  let following: Promise<void> | undefined;
  const follow = (run: string): void => {
    following ??= followRun(nc, run, output, full, leave.signal);
    following.catch(() => {});
  };
  const onEvent = (event: RunEvent): void => {
    // News of the wire may be lost; the log tells everything. It has the run once it was accepted.
    if (event.kind === "accepted" || event.kind === "node") follow(event.run_id);
    else if (event.kind === "waiting") output.note(waitingLine(event, output.color));
  };
  const debugged = { ...request, options: { ...request.options, debug: true } };
  try {
    const result = await runToEnd(nc, debugged, { ...options, onEvent });
    // What was submitted before under its key was accepted long ago.
    follow(result.run_id);
    const late = setTimeout(() => leave.abort(), LAST_LINES_MS);
    try {
      await following;
    } catch (error) {
      // What was refused is in no log.
      if (!(error instanceof RayflowError && error.code === "RunNotFound")) throw error;
    } finally {
      clearTimeout(late);
    }
    return result;
  } finally {
    leave.abort();
  }
}

async function followRun(
  nc: NatsConnection,
  run: string,
  output: Output,
  full: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { directory } = await openRuns(nc);
  const print = stepPrinter(output, { values: true, full, clock: true });
  if (output.format !== "jsonl") output.note(styled(`run ${run}`, "dim", output.color));
  for await (const news of directory.watch(run, { signal, values: true })) {
    if (news.kind === "ended") return;
    if (output.format === "jsonl") output.json(news);
    else print(news);
  }
}
