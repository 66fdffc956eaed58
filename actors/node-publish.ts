/** How node code publishes: checked subjects, and a message that is published twice with one id is stored once. */
import { JetStreamApiError, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, TimeoutError } from "@nats-io/transport-node";

export interface Published {
  /** Whether a stream has it; if not, only those who listened at that moment. */
  readonly stored: boolean;
  /** The stream had a message of this id before. */
  readonly duplicate: boolean;
}

const ATTEMPTS = 3;
const ACK_TIMEOUT_MS = 5_000;

/** Publishes until a stream says that it has it; where no stream takes the subject, once. */
export async function publishStored(
  nc: NatsConnection,
  subject: string,
  payload: Uint8Array,
  msgID: string,
): Promise<Published> {
  const js = jetstream(nc);
  for (let attempt = 1; ; attempt++) {
    try {
      const { duplicate } = await js.publish(subject, payload, { msgID, timeout: ACK_TIMEOUT_MS });
      return { stored: true, duplicate };
    } catch (error) {
      // Nobody listens, no stream either.
      if (error instanceof Error && error.name === "JetStreamNotEnabled") return { stored: false, duplicate: false };
      if (!(error instanceof TimeoutError) || attempt === ATTEMPTS) throw error;
      if (!(await isCaptured(nc, subject))) return { stored: false, duplicate: false };
    }
  }
}

/** Somebody who listens without a stream hears the message and acks nothing. */
async function isCaptured(nc: NatsConnection, subject: string): Promise<boolean> {
  try {
    await (await jetstreamManager(nc, { checkAPI: false })).streams.find(subject);
    return true;
  } catch (error) {
    return error instanceof JetStreamApiError || !(error instanceof Error) || !/no stream/i.test(error.message);
  }
}
