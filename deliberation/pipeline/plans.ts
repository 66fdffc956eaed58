/**
 * Starts the deliberations of approved plans: a trigger on the stream of plans, as deployed flows have them, that starts
 * one run for each task instead of one for each message.
 *
 * P1. Each task of a plan is one deliberation, however often the plan comes: its task id follows from both.
 * P2. A plan is acked when all its tasks have their deliberations. A crash in between begins it again; see P1.
 */
import { type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError, toErrorInfo } from "../../flow/index.ts";
import { decodeMessage, EVENT_CONSUMERS, encodeMessage } from "../../nats/index.ts";
import { buildDeliberation } from "../deliberation-flow.ts";
import { type StartOptions, startDeliberation } from "../start-deliberation.ts";
import { consumeEvents, type DurableEvents, type Handled } from "./durable-events.ts";
import {
  type ApprovedPlan,
  approvedPlan,
  type CouncilDefaults,
  PLAN_APPROVED,
  PLAN_REFUSED,
  PLAN_STARTED,
  type PlanRefusedEvent,
  type PlanStartedEvent,
  tasksOf,
} from "./plan-message.ts";
import { PLANNING_EVENTS } from "./streams.ts";

export interface PlanLogger {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

export interface PlansOptions extends Omit<StartOptions, "acceptMs"> {
  readonly council?: CouncilDefaults;
  readonly logger: PlanLogger;
}

const DEFAULT_COUNCIL: CouncilDefaults = { size: 3 };
/** Tasks of one plan that are started at once. */
const AT_ONCE = 8;

/** The streams must be there: `ensureEventStreams`. */
export function startPlans(options: PlansOptions): DurableEvents {
  const { nc, logger } = options;
  return consumeEvents({
    nc,
    stream: PLANNING_EVENTS,
    subject: PLAN_APPROVED,
    durable: EVENT_CONSUMERS.plans,
    handle: (message) => handlePlan(message, options),
    onRetry: (error, about) => logger.warn({ err: error, ...about }, "a plan could not be begun; it comes again"),
    onAway: (error) => logger.warn({ err: error }, "plans cannot be read at the moment"),
  });
}

async function handlePlan(message: JsMsg, options: PlansOptions): Promise<Handled> {
  const { nc, logger, council = DEFAULT_COUNCIL } = options;
  const sequence = message.seq;
  const refuse = async (error: RayflowError, about: { plan_id?: string; task_id?: string }): Promise<void> => {
    logger.warn({ ...about, sequence, code: error.code }, `refused: ${error.message}`);
    await announceRefusal(nc, { ...about, error: { code: error.code, message: error.message }, sequence });
  };
  const decoded = decodeMessage(approvedPlan, message.data);
  if (!decoded.ok) {
    await refuse(new RayflowError("MalformedMessage", decoded.reason), {});
    return { type: "refuse", reason: decoded.reason };
  }
  const plan = decoded.value;
  const { plan_id } = plan;
  const tasks = tasksOf(plan, council);
  for (const { taskId, request } of tasks) {
    try {
      // All or none: a plan with a task that can never be is not begun.
      buildDeliberation(request);
    } catch (error) {
      const refusal = new RayflowError("ValidationError", toErrorInfo(error, "ValidationError").message);
      await refuse(refusal, { plan_id, task_id: taskId });
      return { type: "refuse", reason: refusal.message };
    }
  }
  const started: { task_id: string; deliberation_id: string }[] = [];
  for (let at = 0; at < tasks.length; at += AT_ONCE) {
    const batch = tasks.slice(at, at + AT_ONCE).map(async ({ taskId, request }) => {
      try {
        const { deliberationId } = await startDeliberation(request, options);
        started.push({ task_id: taskId, deliberation_id: deliberationId });
      } catch (error) {
        // The plan came before with another task under this id, or the flow does not run here: no retry helps.
        if (!(error instanceof RayflowError) || error.retryable) throw error;
        await refuse(error, { plan_id, task_id: taskId });
      }
    });
    await Promise.all(batch);
  }
  await announceStart(nc, plan, started, sequence);
  logger.info({ plan_id, deliberations: started.length }, "a plan is deliberated");
  return { type: "done" };
}

async function announceStart(
  nc: NatsConnection,
  { plan_id, story_id }: ApprovedPlan,
  deliberations: PlanStartedEvent["deliberations"],
  sequence: number,
): Promise<void> {
  const event: PlanStartedEvent = {
    v: 1,
    event_type: PLAN_STARTED,
    plan_id,
    ...(story_id === undefined ? {} : { story_id }),
    deliberations: [...deliberations].sort((a, b) => (a.task_id < b.task_id ? -1 : 1)),
    timestamp: new Date().toISOString(),
  };
  await jetstream(nc).publish(PLAN_STARTED, encodeMessage(event), { msgID: `plan:${sequence}:started` });
}

async function announceRefusal(
  nc: NatsConnection,
  about: Omit<PlanRefusedEvent, "v" | "event_type" | "timestamp">,
): Promise<void> {
  const event: PlanRefusedEvent = { v: 1, event_type: PLAN_REFUSED, ...about, timestamp: new Date().toISOString() };
  const msgID = `plan:${about.sequence}:refused:${about.task_id ?? ""}`;
  await jetstream(nc).publish(PLAN_REFUSED, encodeMessage(event), { msgID });
}
