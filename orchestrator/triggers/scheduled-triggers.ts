/**
 * Cron and interval triggers: one message schedule each, for the next time it is due. When it fires, one orchestrator
 * gets it, starts the run and schedules the time after.
 *
 * The server's own cron schedules are not used: what comes due while the server is down they pass over, and what they
 * fire does not say for what time (docs/triggers.md).
 *
 * S1. A fired message is acked when the next time is scheduled, and that is done when the run is submitted: a crash in
 *     between repeats the firing.
 * S2. The run's id follows from the trigger and the time it was due: served twice it is one run, as long as JetStream
 *     remembers the id. For later, the time that was served last is written down.
 */
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { z } from "zod";
import { nextDue, type ScheduledTrigger } from "../../flow/index.ts";
import {
  decodeMessage,
  encodeMessage,
  parseTriggerFire,
  STREAMS,
  scheduleHeaders,
  subjects,
} from "../../nats/index.ts";
import { type ActiveTrigger, isConflict, type TriggerState } from "../../store/index.ts";
import type { Logger } from "../logger.ts";
import { settleFiring } from "./firing.ts";
import { isWorthRetrying, type TriggerRuns } from "./trigger-runs.ts";

/** The body of a schedule: the time it is due, ms since 1970. */
const scheduled = z.object({ v: z.literal(1), due: z.number() });

const AGAIN_MS = 1_000;

export interface ScheduledTriggersOptions {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly state: TriggerState;
  readonly runs: TriggerRuns;
  /** A trigger that is at work; asks the registry when memory has none. */
  readonly find: (flow: string, id: string) => Promise<ActiveTrigger | undefined>;
  readonly logger: Logger;
}

export class ScheduledTriggers {
  readonly #options: ScheduledTriggersOptions;

  constructor(options: ScheduledTriggersOptions) {
    this.#options = options;
  }

  /** Schedules the next time, unless there is a schedule or one has fired and waits to be served. */
  async ensure(flow: string, id: string, trigger: ScheduledTrigger): Promise<void> {
    const { jsm } = this.#options;
    const due = nextDue(trigger, Date.now());
    if (due === undefined) return;
    const fired = await jsm.streams.getMessage(STREAMS.timers, { last_by_subj: subjects.triggerFire(flow, id) });
    if (fired !== null) return;
    try {
      await this.#schedule(flow, id, due, { lastSubjectSequence: 0 });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  async remove(flow: string, id: string): Promise<void> {
    const { jsm, state } = this.#options;
    await jsm.streams.purge(STREAMS.timers, { filter: subjects.triggerTimer(flow, id) });
    await state.forget(flow, id);
  }

  /** Serves a fired schedule. Never fails. */
  async fired(msg: JsMsg): Promise<void> {
    const source = parseTriggerFire(msg.subject);
    const decoded = decodeMessage(scheduled, msg.data);
    if (source === undefined || !decoded.ok) return msg.term("no trigger's schedule");
    try {
      await this.#serve(source.flow, source.id, decoded.value.due);
      msg.ack();
    } catch (error) {
      this.#options.logger.warn(
        { ...source, err: error },
        "a trigger's firing could not be served; it will come again",
      );
      msg.nak(AGAIN_MS);
    }
  }

  async #serve(flow: string, id: string, due: number): Promise<void> {
    const { find, state } = this.#options;
    const active = await find(flow, id);
    // Deployed away: this was its last message.
    if (active?.trigger.type !== "cron" && active?.trigger.type !== "interval") return;
    const { trigger, since } = active;
    const { run, missed, next } = settleFiring(trigger, due, since, Date.now());
    if (run !== undefined && !(missed && run <= ((await state.lastDue(flow, id)) ?? 0))) {
      await this.#start(flow, id, trigger, run);
      await state.served(flow, id, run);
    }
    if (next !== undefined) await this.#schedule(flow, id, next);
  }

  async #start(flow: string, id: string, { inputs }: ScheduledTrigger, due: number): Promise<void> {
    const { runs, logger } = this.#options;
    const scheduledAt = new Date(due).toISOString();
    try {
      await runs.submit({ flow, trigger: id, cause: scheduledAt, inputs: { scheduled_at: scheduledAt, ...inputs } });
    } catch (error) {
      if (isWorthRetrying(error)) throw error;
      logger.error({ flow, trigger: id, err: error }, "a trigger's inputs cannot be submitted");
    }
  }

  async #schedule(flow: string, id: string, due: number, expect: { lastSubjectSequence?: number } = {}): Promise<void> {
    const headers = scheduleHeaders({ at: due, target: subjects.triggerFire(flow, id) });
    const body = encodeMessage({ v: 1, due });
    await this.#options.js.publish(subjects.triggerTimer(flow, id), body, { headers, expect });
  }
}
