/**
 * A trigger on the messages of a JetStream stream: of one that the user named, or of the one behind the variables. All
 * orchestrators pull from one durable consumer.
 *
 * A message is acked when its run is submitted: at least once. The run's id follows from the message's place in the
 * stream, so twice is once as long as JetStream remembers the id.
 */

import { JetStreamApiError, type JetStreamManager, type JsMsg } from "@nats-io/jetstream";
import { ensureTriggerConsumer, pullQueue } from "../../nats/index.ts";
import type { ActiveTrigger } from "../../store/index.ts";
import { Pacer } from "./pacer.ts";
import type { RunningTrigger, TriggerParts } from "./running-trigger.ts";
import { isWorthRetrying } from "./trigger-runs.ts";

export interface StreamSource {
  readonly stream: string;
  readonly subject: string;
  readonly maxPerSecond: number;
  /** Undefined: this message starts nothing. */
  readonly inputsOf: (msg: JsMsg) => Record<string, unknown> | undefined;
}

/** Wait before another try at a message that could not be submitted, ms. */
const AGAIN_MS = 2_000;

export function startStreamTrigger(
  flow: string,
  active: ActiveTrigger,
  source: StreamSource,
  parts: TriggerParts,
): RunningTrigger {
  const { js, jsm, runs, logger } = parts;
  const { id } = active;
  const pacer = new Pacer(source.maxPerSecond);
  // Enough for five seconds: what waits for its turn must not be delivered again meanwhile.
  const prefetch = Math.max(1, Math.min(256, Math.floor(source.maxPerSecond * 5)));

  const serve = async (msg: JsMsg, signal: AbortSignal): Promise<void> => {
    await pacer.turn(signal);
    if (signal.aborted) return msg.nak();
    try {
      const inputs = source.inputsOf(msg);
      if (inputs !== undefined)
        await runs.submit({ flow, trigger: id, cause: causeOf(msg), inputs, headers: msg.headers });
      msg.ack();
    } catch (error) {
      logger.warn({ flow, trigger: id, subject: msg.subject, err: error }, "a message could not start its run");
      if (isWorthRetrying(error)) msg.nak(AGAIN_MS);
      else msg.term("it cannot be submitted");
    }
  };

  return pullQueue({
    bind: async () => {
      const name = consumerOf(flow, active);
      await ensureTriggerConsumer(jsm, { ...source, name, since: active.since, maxAckPending: prefetch });
      return js.consumers.get(source.stream, name);
    },
    prefetch,
    handle: serve,
    onAway: (error) => {
      logger.warn({ flow, trigger: id, stream: source.stream, err: error }, "a trigger waits for its stream");
    },
  });
}

/** Takes away what a trigger that is no more has left on the server. */
export async function removeConsumer(
  jsm: JetStreamManager,
  stream: string,
  flow: string,
  active: ActiveTrigger,
): Promise<void> {
  try {
    await jsm.consumers.delete(stream, consumerOf(flow, active));
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.status === 404)) throw error;
  }
}

/** Another one when the flow was deleted and deployed again: what came in between is not for it. */
function consumerOf(flow: string, { id, since }: ActiveTrigger): string {
  return `rayflow-${flow}-${id}-${since.toString(36)}`;
}

function causeOf(msg: JsMsg): string {
  return `${msg.info.stream}:${msg.seq}:${msg.info.timestampNanos}`;
}
