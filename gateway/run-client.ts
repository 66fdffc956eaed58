/**
 * Submits one run and waits for its result, whatever happens in between.
 *
 * G1. A submission is published until JetStream has it; the message id makes the repetition harmless.
 * G2. The result comes by the answer on the publisher's own inbox; if that is lost (an orchestrator or the connection
 *     was down at that moment), a poll of the history finds it.
 * G3. A timeout ends the waiting, never the run.
 */
import { randomUUID } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { headers, type Msg, type MsgHdrs, type NatsConnection, TimeoutError } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import {
  decodeMessage,
  encodeMessage,
  ensureTopology,
  findUnsafe,
  headerNames,
  inboxOn,
  type Rerun,
  type RunEvent,
  type RunOptions,
  type RunResult,
  runEvent,
  runIdOf,
  subjects,
  WIRE_VERSION,
} from "../nats/index.ts";
import { RunLog } from "../store/index.ts";
import { activeTrace, type TraceCarrier } from "../telemetry/index.ts";
import { DEFAULT_MAX_RESULT_BYTES, offloadInputs, resolveResult } from "./large-values.ts";

/** What a run is started with. Exactly one of `flow`, `flowRef` and `rerun`. */
export interface RunRequest {
  /** The flow's JSON, in any of the shapes that are read. */
  readonly flow?: unknown;
  /** A deployed flow: `name` or `name@version`. */
  readonly flowRef?: string;
  /** An ended run to be run again from one of its nodes. */
  readonly rerun?: Rerun;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly options?: RunOptions;
  /** The trace that the run is to be a part of, where no span is active (OpenTelemetry). Default: one of its own. */
  readonly trace?: TraceCarrier | undefined;
}

export interface SubmitOptions {
  /** The idempotency key: the same one twice is one run. Default: a new one. */
  readonly msgId?: string;
  /** How long to wait for the result, ms. Default 300 000. */
  readonly timeoutMs?: number;
  /** The run's news as they come, lossy; `accepted`, `refused` and `finished` come once. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Largest result whose large values are fetched, bytes of JSON; in a larger one they stay references. Default 256 MiB. */
  readonly maxResultBytes?: number;
  /** Largest single input, bytes of JSON. Default 100 MiB. */
  readonly maxValueBytes?: number;
}

/** A run that JetStream has taken. */
export interface SubmittedRun {
  readonly runId: string;
  /** Whether this message id was submitted before: then it is that run. */
  readonly duplicate: boolean;
  /**
   * The run's result; a failed run is a result too. Rejects with InvalidFlow (details: errors and warnings) or another
   * code when the submission is refused, and with RunTimeout.
   */
  readonly result: Promise<RunResult>;
  /** Asks for the run's end; `result` tells of it. */
  cancel(reason?: string): Promise<void>;
  /** Stops waiting; the run goes on. */
  abandon(): void;
}

const DEFAULT_TIMEOUT_MS = 300_000;
const PUBLISH_TIMEOUT_MS = 5_000;
const PUBLISH_ATTEMPTS = 5;
const FIRST_POLL_MS = 2_000;
const LONGEST_POLL_MS = 10_000;
/** What the headers of a submission take of the server's limit, generously. */
const HEADER_ROOM_BYTES = 1_024;

/** @throws PayloadTooLarge, ValidationError, ConnectionFailed */
export async function submitRun(
  nc: NatsConnection,
  request: RunRequest,
  options: SubmitOptions = {},
): Promise<SubmittedRun> {
  const msgId = options.msgId ?? randomUUID();
  const runId = runIdOf(msgId);
  const payload = await encode(nc, request, runId, options.maxValueBytes);
  const waiter = waitForResult(nc, runId, options);
  try {
    const { duplicate } = await publish(nc, payload, msgId, { inbox: waiter.inbox, trace: request.trace });
    if (duplicate) waiter.poll();
    const maxBytes = options.maxResultBytes ?? DEFAULT_MAX_RESULT_BYTES;
    const result = waiter.result.then((found) => resolveResult(nc, found, maxBytes));
    // Whoever submitted may look at the result later, or never.
    result.catch(() => {});
    return {
      runId,
      duplicate,
      result,
      cancel: (reason) => cancelRun(nc, runId, reason),
      abandon: waiter.stop,
    };
  } catch (error) {
    waiter.stop();
    throw error;
  }
}

/**
 * Publishes a submission and waits for nothing but JetStream's word that it has it.
 * @throws PayloadTooLarge, ValidationError, ConnectionFailed
 */
export async function publishRun(
  nc: NatsConnection,
  request: RunRequest,
  options: { readonly msgId?: string; readonly subject?: string } = {},
): Promise<{ readonly runId: string; readonly msgId: string; readonly duplicate: boolean; readonly seq: number }> {
  const msgId = options.msgId ?? randomUUID();
  const runId = runIdOf(msgId);
  const payload = await encode(nc, request, runId);
  const { duplicate, seq } = await publish(nc, payload, msgId, { ...options, trace: request.trace });
  return { runId, msgId, duplicate, seq };
}

/** Asks for the end of a run. */
export async function cancelRun(nc: NatsConnection, runId: string, reason?: string): Promise<void> {
  const why = reason === undefined ? {} : { reason };
  const message = { v: WIRE_VERSION, kind: "control", run: runId, action: "cancel", ...why } as const;
  await new RunLog(nc).append(message, { msgId: `${runId}:cancel` });
}

async function encode(
  nc: NatsConnection,
  request: RunRequest,
  runId: string,
  maxValueBytes?: number,
): Promise<Uint8Array> {
  const { flow, flowRef, rerun, inputs: given = {}, options = {} } = request;
  const unsafe = findUnsafe([given, rerun?.inputs]);
  if (unsafe !== undefined) throw new RayflowError("ValidationError", `the inputs are not fit to travel: ${unsafe}`);
  const what = Object.entries({ flow, flowRef, rerun }).filter(([, given]) => given !== undefined);
  const rest = { ...Object.fromEntries(what), options };
  const limit = (nc.info?.max_payload ?? 1 << 20) - HEADER_ROOM_BYTES;
  const roomBytes = limit - encodeMessage({ ...rest, inputs: {} }).length;
  const inputs = await offloadInputs(nc, runId, given, { roomBytes, maxValueBytes });
  const payload = encodeMessage({ ...rest, inputs });
  if (payload.length <= limit) return payload;
  const flowBytes = flow === undefined ? 0 : encodeMessage(flow).length;
  throw new RayflowError(
    "PayloadTooLarge",
    `the submission has ${bytes(payload.length)} (flow ${bytes(flowBytes)}, inputs ` +
      `${bytes(encodeMessage(inputs).length)}); this server takes ${bytes(limit)} in one message`,
    { details: { bytes: payload.length, limit } },
  );
}

function bytes(count: number): string {
  return count < 10_240 ? `${count} bytes` : `${(count / 1024).toFixed(0)} KiB`;
}

/** Publishes until JetStream has it (G1). Sets up the streams when the server has none yet. */
async function publish(
  nc: NatsConnection,
  payload: Uint8Array,
  msgId: string,
  {
    inbox,
    trace,
    subject = subjects.submit(),
  }: { readonly inbox?: string; readonly trace?: TraceCarrier | undefined; readonly subject?: string },
): Promise<{ duplicate: boolean; seq: number }> {
  const h = headers();
  if (inbox !== undefined) h.set(headerNames.reply, inbox);
  carry((await activeTrace()) ?? trace, h);
  const js = jetstream(nc);
  for (let attempt = 1; ; attempt++) {
    try {
      const ack = await js.publish(subject, payload, { msgID: msgId, headers: h, timeout: PUBLISH_TIMEOUT_MS });
      return { duplicate: ack.duplicate, seq: ack.seq };
    } catch (error) {
      const why = reason(error);
      if (why === "fatal" || attempt === PUBLISH_ATTEMPTS || nc.isClosed()) {
        throw new RayflowError("ConnectionFailed", `the submission was not taken: ${text(error)}`, { cause: error });
      }
      if (why === "no stream") await ensureTopology(nc);
    }
  }
}

/** What a header may hold; anything longer is no trace context. */
const HEADER = /^[\x21-\x7e][\x20-\x7e]{0,511}$/;

function carry(trace: TraceCarrier | undefined, h: MsgHdrs): void {
  const { traceparent, tracestate } = trace ?? {};
  if (traceparent === undefined || !HEADER.test(traceparent)) return;
  h.set(headerNames.traceparent, traceparent);
  if (tracestate !== undefined && HEADER.test(tracestate)) h.set(headerNames.tracestate, tracestate);
}

/** The client says "JetStream is not enabled" also when no stream takes the subject. */
function reason(error: unknown): "no stream" | "silence" | "fatal" {
  if (error instanceof Error && error.name === "JetStreamNotEnabled") return "no stream";
  return error instanceof TimeoutError ? "silence" : "fatal";
}

function waitForResult(nc: NatsConnection, runId: string, options: SubmitOptions) {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const inbox = inboxOn(nc);
  const told = new Set<string>();
  let settled = false;
  let resolve: (result: RunResult) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const result = new Promise<RunResult>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  // Whoever submitted may look at the result later, or never.
  result.catch(() => {});

  const receive = (error: unknown, message: Msg) => {
    if (error !== null || settled) return;
    const decoded = decodeMessage(runEvent, message.data);
    if (!decoded.ok || decoded.value.run_id !== runId) return;
    const event = decoded.value;
    const once = event.kind === "accepted" || event.kind === "refused" || event.kind === "finished";
    if (once && told.has(event.kind)) return;
    if (once) told.add(event.kind);
    options.onEvent?.(event);
    if (event.kind === "finished") finish(() => resolve(event.result));
    if (event.kind === "refused") finish(() => reject(refusal(event)));
  };
  const subscriptions = [nc.subscribe(inbox, { callback: receive })];
  if (options.onEvent !== undefined) {
    subscriptions.push(nc.subscribe(subjects.eventsOfRun(runId), { callback: receive }));
  }

  let pollMs = FIRST_POLL_MS;
  let log: RunLog | undefined;
  const poll = () => {
    clearTimeout(pollTimer);
    log ??= new RunLog(nc);
    // Where nobody can be asked now, somebody can be asked later.
    const looked = log.finishedResult(runId).catch(() => undefined);
    void looked.then((found) => {
      if (settled) return;
      if (found !== undefined) return finish(() => resolve(found));
      pollTimer = setTimeout(poll, pollMs);
      pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS);
    });
  };
  let pollTimer = setTimeout(poll, pollMs);
  const timer = setTimeout(() => {
    const message = `run ${runId} did not end within ${timeoutMs / 1000} s; it goes on`;
    finish(() => reject(new RayflowError("RunTimeout", message, { details: { run_id: runId } })));
  }, timeoutMs);
  void nc.closed().then((cause) => {
    const message = `the connection closed while run ${runId} went on`;
    const options = cause instanceof Error ? { cause } : {};
    finish(() => reject(new RayflowError("ConnectionFailed", message, { ...options, details: { run_id: runId } })));
  });

  function finish(settle: () => void): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    clearTimeout(pollTimer);
    for (const subscription of subscriptions) subscription.unsubscribe();
    settle();
  }
  return { inbox, result, poll, stop: () => finish(() => {}) };
}

function refusal(event: Extract<RunEvent, { kind: "refused" }>): RayflowError {
  const { error, errors, warnings, run_id } = event;
  const details = errors === undefined ? error.details : { errors, warnings: warnings ?? [] };
  return new RayflowError(error.code, error.message, {
    retryable: error.retryable,
    ...(error.node_id === undefined ? {} : { nodeId: error.node_id }),
    details: details ?? { run_id },
  });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
