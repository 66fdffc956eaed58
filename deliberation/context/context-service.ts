/**
 * Keeps what deliberations decided: takes each completed one from ORCHESTRATOR_EVENTS, writes it to the store, then says
 * `context.updated`.
 *
 * X1. An event is acked when it is written and told. Whatever is down is waited for, with longer and longer pauses.
 * X2. `context.updated` comes once for each decision, by its message id; writing is idempotent by the store's own ids.
 */
import { type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { decodeMessage, EVENT_CONSUMERS, encodeMessage } from "../../nats/index.ts";
import { deliberationCompletedEvent, deliberationSubjects } from "../messages.ts";
import { consumeEvents, type DurableEvents, type Handled } from "../pipeline/durable-events.ts";
import { ORCHESTRATOR_EVENTS } from "../pipeline/streams.ts";
import { type ContextStore, contextsOf } from "./context-store.ts";

export const CONTEXT_UPDATED = "context.updated";

/** On `context.updated`, once for each decision. `Nats-Msg-Id`: `context:<decision>`. */
export const contextUpdatedEvent = z.object({
  v: z.literal(1),
  event_type: z.literal(CONTEXT_UPDATED),
  decision_id: z.string(),
  deliberation_id: z.string(),
  task_id: z.string(),
  plan_id: z.string().optional(),
  story_id: z.string().optional(),
  decided_by: z.string(),
  agent_ids: z.array(z.string()),
  timestamp: z.string(),
});
export type ContextUpdatedEvent = z.infer<typeof contextUpdatedEvent>;

export interface ContextServiceOptions {
  readonly nc: NatsConnection;
  readonly store: ContextStore;
  readonly logger: {
    info(about: object, message: string): void;
    warn(about: object, message: string): void;
  };
  /** Hears how the last write went. */
  readonly onWrite?: (outcome: { readonly ok: boolean; readonly error?: unknown }) => void;
}

/** The streams must be there: `ensureEventStreams`. */
export function startContextService(options: ContextServiceOptions): DurableEvents {
  const { nc, logger, onWrite } = options;
  return consumeEvents({
    nc,
    stream: ORCHESTRATOR_EVENTS,
    subject: deliberationSubjects.completed(),
    durable: EVENT_CONSUMERS.context,
    handle: (message) => keep(message, options),
    onRetry: (error, about) => {
      onWrite?.({ ok: false, error });
      logger.warn({ err: error, ...about }, "a decision could not be kept; it is tried again");
    },
    onAway: (error) => logger.warn({ err: error }, "completed deliberations cannot be read at the moment"),
  });
}

async function keep(message: JsMsg, { nc, store, logger, onWrite }: ContextServiceOptions): Promise<Handled> {
  const decoded = decodeMessage(deliberationCompletedEvent, message.data);
  if (!decoded.ok) {
    logger.warn({ sequence: message.seq, reason: decoded.reason }, "not a completed deliberation: left out");
    return { type: "refuse", reason: decoded.reason };
  }
  for (const context of contextsOf(decoded.value)) {
    await store.save(context);
    onWrite?.({ ok: true });
    const { decision, deliberationId, task, planId, storyId, answers } = context;
    const event: ContextUpdatedEvent = {
      v: 1,
      event_type: CONTEXT_UPDATED,
      decision_id: decision.id,
      deliberation_id: deliberationId,
      task_id: task.id,
      ...(planId === undefined ? {} : { plan_id: planId }),
      ...(storyId === undefined ? {} : { story_id: storyId }),
      decided_by: decision.decidedBy,
      agent_ids: answers.map(({ agentId }) => agentId),
      timestamp: new Date().toISOString(),
    };
    await jetstream(nc).publish(CONTEXT_UPDATED, encodeMessage(event), { msgID: `context:${decision.id}` });
    logger.info({ decision: decision.id, task_id: task.id }, "a decision is kept");
  }
  return { type: "done" };
}
