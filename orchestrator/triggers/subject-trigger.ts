/**
 * A trigger on a subject of core NATS. The orchestrators form a queue group, so that one of them gets each message; what
 * is published while none listens is lost, as core NATS has it.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Msg } from "@nats-io/transport-node";
import type { SubjectTrigger } from "../../flow/index.ts";
import { headerNames } from "../../nats/index.ts";
import { Pacer } from "./pacer.ts";
import { payloadInputs } from "./payload-inputs.ts";
import type { RunningTrigger, TriggerParts } from "./running-trigger.ts";
import { isWorthRetrying } from "./trigger-runs.ts";

/** Most messages that wait for their turn; more are dropped. */
const MAX_WAITING = 10_000;
const TRIES = 10;
const AGAIN_MS = 1_000;

export function startSubjectTrigger(
  flow: string,
  id: string,
  trigger: SubjectTrigger,
  { nc, runs, logger }: TriggerParts,
): RunningTrigger {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pacer = new Pacer(trigger.max_per_second);
  const busy = new Set<Promise<void>>();
  let dropped = 0;

  const serve = async (msg: Msg): Promise<void> => {
    const cause = msg.headers?.get(headerNames.msgId) || randomUUID();
    const inputs = { ...trigger.inputs, ...payloadInputs(msg.subject, msg.data) };
    await pacer.turn(signal);
    for (let tries = 1; ; tries++) {
      try {
        return await runs.submit({ flow, trigger: id, cause, inputs, headers: msg.headers });
      } catch (error) {
        const fields = { flow, trigger: id, subject: msg.subject, err: error };
        if (!isWorthRetrying(error) || tries === TRIES || signal.aborted) {
          return logger.error(fields, "a message started no run");
        }
        logger.warn(fields, "a message waits to start its run");
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };

  const subscription = nc.subscribe(trigger.subject, {
    queue: `rayflow-${flow}-${id}`,
    callback: (error, msg) => {
      if (error !== null) return logger.error({ flow, trigger: id, err: error }, "a trigger cannot listen");
      if (busy.size >= MAX_WAITING) {
        if (dropped++ % 1_000 === 0) logger.error({ flow, trigger: id, dropped }, "a trigger drops messages");
        return;
      }
      const work = serve(msg);
      busy.add(work);
      void work.finally(() => busy.delete(work));
    },
  });
  return {
    stop: async () => {
      // What the server has sent already is still served: nobody else will get it.
      if (!nc.isClosed()) await subscription.drain().catch(() => undefined);
      stopping.abort();
      await Promise.allSettled(busy);
    },
  };
}
