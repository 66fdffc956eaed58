/**
 * Messages that the server holds back: stored under one subject, stored anew under another when their time comes.
 * Both subjects must lie in the same stream. What the server does, as the tests show on 2.14.0: a time in the past fires
 * at once (within about a quarter of a second, the grain of its clock), one that passed while the server was down fires
 * when it is up again; publishing to the same subject replaces a schedule, purging the subject cancels it; what is fired
 * has lost its Nats-Msg-Id.
 */
import { PubHeaders } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";

export type Schedule = {
  /** The subject under which the message is stored when its time has come. */
  readonly target: string;
  /** How long the fired message is kept, ms; whole seconds, at least one. Default: as the stream keeps its messages. */
  readonly ttlMs?: number;
} & (
  | { /** When it fires, ms since 1970 or a date. */ readonly at: number | Date }
  | {
      /** `sec min hour day month weekday`, or `@hourly` and the like. Needs nats-server 2.14. */ readonly cron: string;
    }
);

/** The headers that make a message a schedule; add what else the message needs, and publish it. */
export function scheduleHeaders(schedule: Schedule): MsgHdrs {
  const made = headers();
  made.set(PubHeaders.Schedule, "cron" in schedule ? schedule.cron : `@at ${isoTime(schedule.at)}`);
  made.set(PubHeaders.ScheduleTarget, schedule.target);
  if (schedule.ttlMs !== undefined) {
    made.set(PubHeaders.ScheduleTTL, `${Math.max(1, Math.ceil(schedule.ttlMs / 1_000))}s`);
  }
  return made;
}

function isoTime(at: number | Date): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) throw new RayflowError("ValidationError", `no time to schedule for: ${String(at)}`);
  return date.toISOString();
}

/** The subject of the schedule that a fired message came from; undefined for any other message. */
export function firedBy(message: { readonly headers?: MsgHdrs | undefined }): string | undefined {
  return message.headers?.get(PubHeaders.Scheduler) || undefined;
}
