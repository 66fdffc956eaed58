/** Subjects for answers: under the prefix of the connection, since that is all that its user may read. */
import { createInbox, type NatsConnection } from "@nats-io/transport-node";

const prefixes = new WeakMap<NatsConnection, string>();

/** To be said once, when the connection is made. */
export function setInboxPrefix(nc: NatsConnection, prefix: string | undefined): void {
  if (prefix !== undefined) prefixes.set(nc, prefix);
}

/** A subject that nobody else listens to. */
export function inboxOn(nc: NatsConnection): string {
  return createInbox(prefixes.get(nc));
}
