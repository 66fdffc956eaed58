/**
 * One request that starts a run.
 *
 * W1. The end of the request, whoever ends it, is never the end of the run.
 * W2. The same `Idempotency-Key` is the same run: it becomes the submission's message id. With another body it is refused.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Context } from "hono";
import { RayflowError } from "../../flow/index.ts";
import type { RunEvent, RunResult } from "../../nats/index.ts";
import { type RunRequest, type SubmittedRun, submitRun } from "../run-client.ts";
import type { ExecuteOptions } from "./execute-routes.ts";
import { claimKey } from "./idempotency-claim.ts";
import { carrierOf, nameRun } from "./request-span.ts";

export interface StartOptions extends ExecuteOptions {
  readonly wait: boolean;
  /** The request as JSON: an idempotency key stands for this and for nothing else. */
  readonly asked: unknown;
  /** How long to wait for the result, ms. */
  readonly timeoutMs: number;
}

export type StartedRun =
  | { readonly ended: true; readonly result: RunResult }
  | { readonly ended: false; readonly submitted: SubmittedRun };

/** What fits into a header that becomes one of NATS's. */
const KEY = /^[\x21-\x7e]{1,255}$/;
/** How long an orchestrator may take to say that a submission is a run before it is believed, ms. */
const ACCEPT_MS = 2_000;
/** A result whose large values take more than this keeps the references, bytes of JSON. */
const MAX_RESULT_BYTES = 32 * 1024 * 1024;

/**
 * Submits a run, and waits for it if that is wanted.
 * @throws InvalidFlow, FlowNotFound, IdempotencyKeyReused, PayloadTooLarge, ConnectionFailed, GatewayBusy when the gateway stops meanwhile
 */
export async function startRun(
  c: Context,
  nc: NatsConnection,
  request: RunRequest,
  options: StartOptions,
): Promise<StartedRun> {
  const { metrics, wait, timeoutMs, stopping } = options;
  const key = keyOf(c);
  if (key !== undefined) await claimKey(nc, key, options.asked);
  let accept = (): void => {};
  const accepted = new Promise<"accepted">((done) => {
    accept = () => done("accepted");
  });
  const onEvent = ({ kind }: RunEvent): void => {
    if (kind === "accepted") accept();
  };
  const submitted = await submitRun(
    nc,
    { ...request, trace: carrierOf(c) },
    {
      ...(key === undefined ? {} : { msgId: key }),
      // Also for those who wait: a refusal goes to who submitted first, and as news to the others.
      onEvent,
      timeoutMs: wait ? timeoutMs : ACCEPT_MS,
      maxResultBytes: MAX_RESULT_BYTES,
    },
  );
  nameRun(c, submitted.runId);
  const gone = onAbort(c.req.raw.signal, "the caller went away", submitted);
  const stopped = onAbort(stopping, "the gateway stops", submitted);
  try {
    // What was submitted before was taken then.
    if (!wait && submitted.duplicate) accept();
    const ended = await Promise.race([submitted.result, gone.aborted, stopped.aborted, ...(wait ? [] : [accepted])]);
    if (ended === "accepted" || !wait) {
      metrics.run("accepted");
      return { ended: false, submitted };
    }
    metrics.run(ended.status);
    return { ended: true, result: ended };
  } catch (error) {
    if (error instanceof RayflowError && error.code === "RunTimeout") {
      metrics.run("accepted");
      return { ended: false, submitted };
    }
    metrics.run("refused");
    throw error;
  } finally {
    gone.forget();
    stopped.forget();
    submitted.abandon();
  }
}

/** @throws ValidationError */
function keyOf(c: Context): string | undefined {
  const key = c.req.header("idempotency-key");
  if (key === undefined || KEY.test(key)) return key;
  throw new RayflowError("ValidationError", "Idempotency-Key is 1 to 255 printable ASCII characters without spaces");
}

/** Rejects when the signal aborts, until it is told to forget it. */
function onAbort(signal: AbortSignal, why: string, { runId }: SubmittedRun) {
  let tell = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const details = { run_id: runId };
    tell = () => reject(new RayflowError("GatewayBusy", `${why}; run ${runId} goes on`, { details }));
    if (signal.aborted) tell();
    else signal.addEventListener("abort", tell, { once: true });
  });
  aborted.catch(() => {});
  return { aborted, forget: () => signal.removeEventListener("abort", tell) };
}
