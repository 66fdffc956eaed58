/**
 * The messages around a run, as the engine sends them: the submission and its PubAck, `submitted` in the log and the ack
 * of the submission, `finished` in the log, then the history and the answer to the publisher. Two pieces of news that
 * nobody listens to are left out. Driver and publisher are one process here.
 */
import { randomBytes } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import {
  type AckedPublish,
  historySubject,
  type RunMessage,
  runSubject,
  SUBMIT,
  submitSubject,
  WORKERS,
} from "./wire.ts";

/** Lengths of the engine's messages for a chain of ten steps of a deployed flow, bytes. */
const SUBMITTED_ROOM = 300;
const FINISHED_ROOM = 700;
const HISTORY_ROOM = 1_300;

export interface WholeRuns {
  submit(run: string): void;
  finish(run: string): void;
  /** The `finished` message was read. */
  settle(run: string): void;
}

export async function startWholeRuns(
  nc: NatsConnection,
  publish: AckedPublish,
  onAnswer: (run: string) => void,
): Promise<WholeRuns> {
  const rooms = { submitted: "s".repeat(SUBMITTED_ROOM), finished: "f".repeat(FINISHED_ROOM) };
  const history = randomBytes(HISTORY_ROOM).toString("latin1");
  const inbox = createInbox();
  nc.subscribe(`${inbox}.*`, { callback: (_, msg) => onAnswer(msg.json<RunMessage>().run) });
  const messageOf = (kind: RunMessage["kind"], run: string): RunMessage => ({ v: 1, kind, run, room: rooms[kind] });
  const submissions = await jetstream(nc).consumers.get(SUBMIT, WORKERS);
  await submissions.consume({
    max_messages: 256,
    callback: (msg) => {
      const { run } = msg.json<{ run: string }>();
      publish(runSubject(run), messageOf("submitted", run), `${run}:submitted`, () => msg.ack());
    },
  });
  return {
    submit: (run) => publish(submitSubject, { run, value: 0 }, undefined, () => {}),
    finish: (run) => publish(runSubject(run), messageOf("finished", run), `${run}:finished`, () => {}),
    settle: (run) => {
      publish(historySubject(run), { run, history }, undefined, () => {});
      nc.publish(`${inbox}.${run}`, JSON.stringify(messageOf("finished", run)));
    },
  };
}
