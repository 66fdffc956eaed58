/** `rayflow run --break`: submits a run that is held at nodes, and debugs it. */
import type { NatsConnection } from "@nats-io/transport-node";
import { type RunRequest, submitRun } from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { debugRun } from "./debug-session.ts";
import type { Output } from "./output.ts";
import { openRuns } from "./runs-connection.ts";

export interface DebugRunOptions {
  readonly breakpoints: readonly string[];
  readonly msgId?: string;
  readonly output: Output;
  /** Prints values whole. Default false. */
  readonly full?: boolean;
  readonly signal: AbortSignal;
  readonly onSilence: (runId: string) => void;
}

export type DebuggedRun =
  | { readonly kind: "ended"; readonly result: RunResult }
  | { readonly kind: "left"; readonly interrupted: boolean; readonly runId: string };

/** Whoever debugs takes the time that it takes: the longest that a timer can be, ms. */
const NO_TIMEOUT_MS = 2_147_000_000;
const SILENCE_MS = 2_000;

/** @throws InvalidFlow, ConnectionFailed */
export async function submitAndDebug(
  nc: NatsConnection,
  request: RunRequest,
  options: DebugRunOptions,
): Promise<DebuggedRun> {
  const { breakpoints, output, signal, msgId } = options;
  let accept = (): void => {};
  const accepted = new Promise<void>((resolve) => {
    accept = resolve;
  });
  const run = await submitRun(
    nc,
    { ...request, options: { ...request.options, breakpoints: [...breakpoints] } },
    {
      ...(msgId === undefined ? {} : { msgId }),
      timeoutMs: NO_TIMEOUT_MS,
      onEvent: ({ kind }) => {
        if (kind === "accepted" || kind === "node") accept();
      },
    },
  );
  const { runId } = run;
  const silent = setTimeout(() => options.onSilence(runId), SILENCE_MS);
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  try {
    // What was submitted before under its key may have been accepted long ago.
    const early = await Promise.race([run.result, run.duplicate ? undefined : accepted, aborted]);
    if (early) return { kind: "ended", result: early };
    clearTimeout(silent);
    const open = await openRuns(nc);
    const end = await debugRun({ open, run: runId, output, full: options.full === true, print: output.note, signal });
    // The news of the end are without large values; the result is whole.
    return end.kind === "ended" ? { kind: "ended", result: await run.result } : { ...end, runId };
  } finally {
    clearTimeout(silent);
    run.abandon();
  }
}
