/** Publishes a flow the way any NATS client would: one message, and two subscriptions to see what comes of it. */
import { randomUUID } from "node:crypto";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import {
  decodeMessage,
  encodeMessage,
  headerNames,
  inboxOn,
  type RunEvent,
  type RunResult,
  runEvent,
  runIdOf,
  SUBMIT_SUBJECT,
  subjects,
} from "../nats/index.ts";

/** @throws RunTimeout, or what the submission was refused for */
export async function publishExample(
  nc: NatsConnection,
  submission: { readonly flow: unknown; readonly inputs: unknown },
  options: { readonly timeoutMs: number; readonly onEvent: (event: RunEvent) => void },
): Promise<RunResult> {
  const msgId = randomUUID();
  const runId = runIdOf(msgId);
  const reply = inboxOn(nc);
  const h = headers();
  h.set(headerNames.msgId, msgId);
  h.set(headerNames.reply, reply);
  let timer: NodeJS.Timeout | undefined;
  const events = nc.subscribe(subjects.eventsOfRun(runId));
  const answers = nc.subscribe(reply);
  const showEvents = (async () => {
    for await (const message of events) {
      const event = decodeMessage(runEvent, message.data);
      if (event.ok) options.onEvent(event.value);
    }
  })();
  try {
    const finished = (async (): Promise<RunResult> => {
      for await (const message of answers) {
        const answer = decodeMessage(runEvent, message.data);
        if (!answer.ok) continue;
        if (answer.value.kind === "finished") return answer.value.result;
        if (answer.value.kind === "refused")
          throw new RayflowError(answer.value.error.code, answer.value.error.message);
      }
      throw new RayflowError("ConnectionFailed", "the connection closed before the example's result came");
    })();
    const late = new Promise<never>((_, reject) => {
      const message = `the example run ${runId} did not end within ${options.timeoutMs / 1000} s`;
      timer = setTimeout(() => reject(new RayflowError("RunTimeout", message)), options.timeoutMs);
    });
    nc.publish(SUBMIT_SUBJECT, encodeMessage(submission), { headers: h });
    return await Promise.race([finished, late]);
  } finally {
    clearTimeout(timer);
    answers.unsubscribe();
    // What was sent before the result is here before it: both came over one connection.
    await events.drain();
    await showEvents;
  }
}
