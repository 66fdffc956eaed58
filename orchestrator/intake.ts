/**
 * Intake: turns what is published onto `rayflow.flow.run` into runs. All orchestrators share the queue.
 *
 * I1. A submission is acked once its `submitted` message is in the log, or once it is refused; never before.
 * I2. Its run id follows from its `Nats-Msg-Id`, else from its place in the stream: delivered twice, it is one run.
 * I3. What has ended does not begin again: a submission that comes late gets the result, for as long as there is a history.
 * I4. What cannot be read is refused with its reason and never comes back.
 * I5. While as many runs are active as may be, submissions wait: those in hand here, the others in the queue.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Limits, limitError, limitsToCarry, RayflowError } from "../flow/index.ts";
import {
  afterTurn,
  encodeMessage,
  ensureSubmitConsumer,
  headerNames,
  isPublishable,
  ORCHESTRATOR_CONSUMER,
  type Publishes,
  partitionOf,
  publisherOn,
  type RefusalCounter,
  type RunEvent,
  runIdOf,
  STREAMS,
  type SubmittedMessage,
  subjects,
  toStored,
  WIRE_VERSION,
} from "../nats/index.ts";
import {
  type BlobStore,
  type BlueprintStore,
  blueprintsOn,
  type RunLog,
  tokensOn,
  type VariableStore,
} from "../store/index.ts";
import type { Tracing } from "../telemetry/index.ts";
import type { FlowChecks } from "./flow-checks.ts";
import { runFields } from "./log-fields.ts";
import type { Logger } from "./logger.ts";
import type { News } from "./news.ts";
import { offloadSubmission } from "./offload.ts";
import { readSubmission } from "./read-submission.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { reuseOf } from "./reuse.ts";
import { breakpointError } from "./run/breakpoints.ts";
import { graphOf } from "./run/fold.ts";
import { ACK_WAIT_MS, SharedQueue } from "./shared-queue.ts";
import { traceOf } from "./trace-decision.ts";

/** How many submissions are worked on at once. */
const PREFETCH = 256;
/** How often it looks whether there is room for another run, and tells the server that it still waits, ms. */
const ROOM_POLL_MS = 100;
const WORKING_MS = 2_000;
/** How long a new run may take to be read from the log, ms. */
const UNSEEN_MS = 250;
/** Wait before a submission that met a fault of ours is delivered again, ms. */
const AGAIN_MS = 1_000;
/** What the log's message needs around the flow and its inputs, bytes. */
const OVERHEAD_BYTES = 4096;

export interface IntakeOptions {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly partitions: number;
  /** When RAYFLOW_SUBMIT was made: makes ids of unnamed submissions unlike those of an earlier stream. */
  readonly submitCreated: string;
  readonly checks: FlowChecks;
  readonly variables: VariableStore;
  readonly blobs: BlobStore;
  readonly news: Pick<News, "announce">;
  readonly log: Pick<RunLog, "readHistory" | "history">;
  readonly refusals: RefusalCounter;
  readonly limits: Limits;
  /** Whether there is room for one more run beside so many that are being taken in. Default: always. */
  readonly hasRoom?: (takenIn: number) => boolean;
  /** Hears the code of each submission that is refused. Default: nobody does. */
  readonly onRefused?: (code: string) => void;
  /** Says which runs are traced. Default: none is. */
  readonly tracing?: Pick<Tracing, "isSampled"> | undefined;
  readonly logger: Logger;
}

/** A run that may begin. */
interface Prepared extends Pick<SubmittedMessage, "flow" | "types" | "inputs" | "options"> {
  readonly reuse: SubmittedMessage["reuse"] | undefined;
  /** Whether other runs have the same flow. */
  readonly shared: boolean;
  /** What its own variables start with. */
  readonly variables: Record<string, unknown>;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #queue: SharedQueue;
  readonly #blueprints: BlueprintStore;
  readonly #publisher: Publishes;

  /** The limits of a run that are not the default. */
  readonly #carried: ReturnType<typeof limitsToCarry>;
  #stopping = false;
  /** What has this sequence or a later one was submitted since the start. */
  #newFrom = Number.POSITIVE_INFINITY;
  /** Submissions that have taken room and are no active runs yet. */
  #takenIn = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#carried = limitsToCarry(options.limits);
    this.#blueprints = blueprintsOn(options.nc);
    this.#publisher = publisherOn(options.nc);
    this.#queue = new SharedQueue({
      js: options.js,
      stream: STREAMS.submit,
      consumer: ORCHESTRATOR_CONSUMER,
      prefetch: PREFETCH,
      handle: (msg) => this.#accept(msg),
    });
  }

  async start(): Promise<void> {
    const { jsm } = this.#options;
    await ensureSubmitConsumer(jsm, { ackWaitMs: ACK_WAIT_MS });
    this.#newFrom = (await jsm.streams.info(STREAMS.submit)).state.last_seq + 1;
    await this.#queue.start();
  }

  /** Stops taking submissions and waits for those that are being worked on. */
  stop(): Promise<void> {
    this.#stopping = true;
    return this.#queue.stop();
  }

  async #accept(msg: JsMsg): Promise<void> {
    const { logger, submitCreated } = this.#options;
    const name = msg.headers?.get(headerNames.msgId);
    const run = runIdOf(name || `${submitCreated}:${msg.seq}`);
    // Nobody else can have been at its place in the stream: no need to ask whether it ran.
    const isNews = !name && !msg.redelivered && msg.seq >= this.#newFrom;
    try {
      if (!isNews && (await this.#hasEnded(msg, run))) return;
      if (!(await this.#room(msg))) return msg.nak();
      const isSubmitted = await this.#takeIn(msg, run).finally(() => this.#takenIn--);
      if (isSubmitted) this.#countUntilSeen();
    } catch (error) {
      if (error instanceof RayflowError && !error.retryable) return this.#refuse(msg, run, { error: error.toInfo() });
      logger.warn({ ...fieldsOf(msg, run), err: error }, "a submission could not be taken in; it will be tried again");
      msg.nak(AGAIN_MS);
    }
  }

  /** Whether it is a run now; false: it was refused. */
  async #takeIn(msg: JsMsg, run: string): Promise<boolean> {
    const prepared = await this.#prepare(msg);
    if ("error" in prepared) {
      this.#refuse(msg, run, prepared);
      return false;
    }
    const { breakpoints = [] } = prepared.options;
    const error = breakpoints.length === 0 ? undefined : breakpointError(graphOf(prepared), breakpoints);
    if (error) this.#refuse(msg, run, { error });
    else await this.#submit(msg, run, prepared);
    return error === undefined;
  }

  /** Until the orchestrator that drives it has read of it, a new run is not among the active ones. */
  #countUntilSeen(): void {
    this.#takenIn++;
    setTimeout(() => this.#takenIn--, UNSEEN_MS).unref();
  }

  /**
   * Whether the run is in the history already. The streams know an id for some minutes only, and forget it when the
   * server restarts after the log was trimmed: who submits again then gets the result that there is.
   */
  async #hasEnded(msg: JsMsg, run: string): Promise<boolean> {
    const result = await this.#options.log.history.readResult(run);
    if (!result) return false;
    this.#tell(msg, { v: WIRE_VERSION, kind: "finished", run_id: run, result });
    afterTurn(() => msg.ack());
    return true;
  }

  /** I5. Waits for room and takes it; false: this orchestrator stops. */
  async #room(msg: JsMsg): Promise<boolean> {
    const { hasRoom = () => true } = this.#options;
    for (let waited = 0; !hasRoom(this.#takenIn); waited += ROOM_POLL_MS) {
      if (this.#stopping) return false;
      if (waited % WORKING_MS === 0) msg.working();
      await delay(ROOM_POLL_MS);
    }
    this.#takenIn++;
    return true;
  }

  /** What the submission asks for, checked. */
  async #prepare(msg: JsMsg): Promise<Prepared | Refusal> {
    const { checks, log, partitions } = this.#options;
    const decoded = readSubmission(msg.subject, msg.data);
    if (!decoded.ok) return refusal("MalformedMessage", `the submission cannot be read: ${decoded.reason}`);
    const { flow, flowRef, rerun, inputs, options } = decoded.value;
    if (rerun !== undefined) {
      const again = await reuseOf(rerun, log, partitions);
      return { ...again, options, shared: true, variables: { ...again.flow.variables, ...again.variables } };
    }
    const checked = flowRef === undefined ? checks.checkInline(flow) : await checks.checkDeployed(flowRef);
    if ("error" in checked) return checked;
    const { variables } = checked.flow;
    const { flow_variables: most } = this.#options.limits;
    if (Object.keys(variables).length > most) {
      return { error: limitError("flow_variables", most, "the flow was refused") };
    }
    return { ...checked, inputs, options, variables, reuse: undefined };
  }

  async #submit(msg: JsMsg, run: string, prepared: Prepared): Promise<void> {
    const { nc, partitions, blobs, variables: store } = this.#options;
    const { variables, reuse, shared, ...asked } = prepared;
    const blueprint = shared ? await this.#blueprints.keep(asked) : undefined;
    const reply = msg.headers?.get(headerNames.reply);
    const submitted: SubmittedMessage = {
      v: WIRE_VERSION,
      kind: "submitted",
      run,
      ...asked,
      ...(blueprint ? { blueprint } : {}),
      ...(reply && isPublishable(reply) ? { reply } : {}),
      ...traceOf(run, msg.headers, this.#options.tracing),
      ...(reuse ? { reuse } : {}),
      ...(this.#carried === undefined ? {} : { limits: { ...this.#carried } }),
    };
    const limit = (nc.info?.max_payload ?? 1_048_576) - OVERHEAD_BYTES;
    const payload = encodeMessage(toStored(await offloadSubmission(blobs, submitted, limit)));
    if (payload.length > limit) {
      throw new RayflowError(
        "PayloadTooLarge",
        `the flow and its inputs take ${payload.length} bytes; ${limit} fit a message`,
      );
    }
    if (Object.keys(variables).length > 0) await store.seedRun(run, variables);
    await this.#publisher.publish(subjects.run(partitionOf(run, partitions), run), payload, {
      msgID: (await tokensOn(nc)).messageId(`${run}:submitted`),
    });
    this.#tell(msg, { v: WIRE_VERSION, kind: "accepted", run_id: run, flow: asked.flow.name });
    // In one write with all else of this turn.
    afterTurn(() => msg.ack());
  }

  #refuse(msg: JsMsg, run: string, why: Refusal): void {
    const { refusals, logger } = this.#options;
    refusals.add(msg.subject, why.error.message);
    this.#options.onRefused?.(why.error.code);
    const { code, message: reason } = why.error;
    logger.warn({ ...fieldsOf(msg, run), code, reason }, "a submission was refused");
    this.#tell(msg, {
      v: WIRE_VERSION,
      kind: "refused",
      run_id: run,
      error: why.error,
      ...(why.errors ? { errors: [...why.errors] } : {}),
      ...(why.warnings ? { warnings: [...why.warnings] } : {}),
    });
    msg.term(why.error.code);
  }

  #tell(msg: JsMsg, event: RunEvent): void {
    this.#options.news.announce(event, msg.headers?.get(headerNames.reply) || undefined);
  }
}

/** The trace is the publisher's own: what is refused gets no other. */
function fieldsOf(msg: JsMsg, run: string): { run_id: string; trace_id?: string } {
  return runFields(run, msg.headers?.get(headerNames.traceparent));
}
