/**
 * Sends a connection's requests to JetStream elsewhere: an account that imports another one's JetStream API has it under
 * a prefix of its own, because the server answers `$JS.API` of every account itself.
 */
import type { NatsConnection } from "@nats-io/transport-node";

const STANDARD = "$JS.API.";

/** Replaces `$JS.API` by the prefix in all that this connection sends. */
export function redirectApi(nc: NatsConnection, prefix: string): void {
  const there = (subject: string) =>
    subject.startsWith(STANDARD) ? `${prefix}.${subject.slice(STANDARD.length)}` : subject;
  const publish = nc.publish.bind(nc);
  const request = nc.request.bind(nc);
  const requestMany = nc.requestMany.bind(nc);
  nc.publish = (subject, payload, options) => publish(there(subject), payload, options);
  nc.request = (subject, payload, options) => request(there(subject), payload, options);
  nc.requestMany = (subject, payload, options) => requestMany(there(subject), payload, options);
}
