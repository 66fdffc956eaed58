/** One delivered dispatch message, as far as JetStream is concerned. Pure. */

import { STREAMS } from "../nats/index.ts";

/** A message of the dispatch queue and what is needed to answer for it. */
export interface Delivery {
  /** The node type that its subject names. */
  readonly type: string;
  readonly data: Uint8Array;
  /** The subject that takes its ack. */
  readonly reply: string;
  /** From 1. */
  readonly deliveryCount: number;
  /** Which incarnation of the stream it came from. */
  readonly epoch: number;
}

/** What an answer to the server says. */
export const answers = {
  ack: "+ACK",
  working: "+WPI",
  /** Deliver it again, at once or after some milliseconds. */
  nak: (delayMs = 0) => (delayMs > 0 ? `-NAK {"delay": ${Math.round(delayMs * 1e6)}}` : "-NAK"),
  /** Never deliver it again. */
  term: (reason: string) => `+TERM ${reason.replaceAll(/\s+/g, " ").slice(0, 500)}`,
} as const;

/**
 * How often a message was delivered, by its reply subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.…`,
 * or with the domain and the account's hash before the stream. Undefined when it is none.
 */
export function deliveryCountOf(reply: string): number | undefined {
  const parts = reply.split(".");
  if (parts[0] !== "$JS" || parts[1] !== "ACK") return undefined;
  const count = Number(parts.length === 9 ? parts[4] : parts[6]);
  return Number.isInteger(count) && count > 0 ? count : undefined;
}

/** Without a domain: the time is the last token but one. Asked for each message, so nothing is taken apart. */
const PLAIN = `$JS.ACK.${STREAMS.nodes}.`;

function lastButOne(text: string): string {
  const end = text.lastIndexOf(".");
  return text.slice(text.lastIndexOf(".", end - 1) + 1, end);
}

/** When the queue had the message, ms since 1970 by the server's clock; undefined when its reply subject says nothing of it. */
export function storedAtOf(reply: string): number | undefined {
  const nanos = Number(reply.startsWith(PLAIN) ? lastButOne(reply) : reply.split(".")[9]);
  return nanos > 0 ? nanos / 1e6 : undefined;
}
