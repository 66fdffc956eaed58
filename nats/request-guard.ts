/**
 * Puts the connection's publisher in the place of `nc.request`: JetStream, key-value and object store all go through it,
 * so that their requests survive, or at least notice, a lost connection, and leave in few writes (publisher.ts, B2, B3).
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { publisherOn } from "./publisher.ts";

export function guardRequests(nc: NatsConnection): void {
  const original = nc.request.bind(nc);
  const publisher = publisherOn(nc);
  nc.request = (subject, payload, options) =>
    // An answer to a subject of the caller's own, or a trace of the way: the client's business.
    options?.noMux || options?.reply !== undefined || options?.traceDestination !== undefined
      ? original(subject, payload, options)
      : publisher.request(subject, payload, options);
}
