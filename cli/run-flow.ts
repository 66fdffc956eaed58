/** One run from submission to result, as the `run` command, `dev` and the library want it. */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { type RunRequest, type SubmittedRun, submitRun } from "../gateway/index.ts";
import { failedResult, type RunEvent, type RunResult } from "../nats/index.ts";
import { interrupted } from "./signals.ts";

export interface RunFlowOptions {
  /** Default 300 000. */
  readonly timeoutMs?: number;
  readonly msgId?: string;
  readonly onEvent?: (event: RunEvent) => void;
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal;
  /** Submits the run in its own way, under `msgId`, before it is waited for; what this refuses is refused as below. */
  readonly begin?: () => Promise<unknown>;
  /** Called when nobody has taken the run after a while: no orchestrator is there. */
  readonly onSilence?: (runId: string) => void;
}

/** After this time without an answer a person begins to wonder. */
const SILENCE_MS = 2_000;
/** How long a cancelled run may take to say so before the caller leaves anyway. */
const CANCEL_GRACE_MS = 1_000;

/**
 * Submits and waits. A failed run is a result, and so are one that was refused for its inputs or its size, and one that
 * `signal` cancelled.
 * @throws InvalidFlow, RunTimeout, ConnectionFailed, Interrupted
 */
export async function runToEnd(
  nc: NatsConnection,
  request: RunRequest,
  options: RunFlowOptions = {},
): Promise<RunResult> {
  let silent: NodeJS.Timeout | undefined;
  let runId = "";
  const { signal } = options;
  if (signal?.aborted) throw interrupted();
  try {
    // The same message id again is the run that has begun: who submits it hears how it ends.
    await options.begin?.();
    const run = await submitRun(nc, request, {
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.msgId === undefined ? {} : { msgId: options.msgId }),
      onEvent: (event) => {
        clearTimeout(silent);
        options.onEvent?.(event);
      },
    });
    runId = run.runId;
    silent = setTimeout(() => options.onSilence?.(runId), SILENCE_MS);
    if (signal === undefined) return await run.result;
    const abandoned = cancelOn(signal, run);
    return await Promise.race([run.result, abandoned]);
  } catch (error) {
    if (error instanceof RayflowError && REFUSED_AS_RESULT.has(error.code)) return failedResult(runId, error.toInfo());
    throw error;
  } finally {
    clearTimeout(silent);
  }
}

/** Asks for the run's end when the signal aborts; rejects when the run does not say soon that it has ended. */
function cancelOn(signal: AbortSignal, run: SubmittedRun): Promise<never> {
  return new Promise((_, reject) => {
    const cancel = (): void => {
      run.cancel("the user stopped it").catch(() => {});
      setTimeout(() => reject(interrupted()), CANCEL_GRACE_MS).unref();
    };
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    const forget = (): void => signal.removeEventListener("abort", cancel);
    run.result.then(forget, forget);
  });
}

/** Refusals that are about this run's data: for the caller they are failed runs like any other. */
const REFUSED_AS_RESULT = new Set(["ValidationError", "PayloadTooLarge", "MalformedMessage", "GraphBuildError"]);
