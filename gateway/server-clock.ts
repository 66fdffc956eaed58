/** What time it is by the server's clock. */
import type { JetStreamManager } from "@nats-io/jetstream";
import { z } from "zod";
import { STREAMS } from "../nats/index.ts";

/** The server stamps what it says of a stream; the client's type leaves that out. */
const stamped = z.object({ ts: z.string() });

/** Ms since 1970. By this machine's own clock where the server does not say. */
export async function serverNowMs(jsm: JetStreamManager): Promise<number> {
  return (await readServerClock(jsm))?.serverMs ?? Date.now();
}

/** The server's clock, and this machine's at the same moment, give or take `errorMs`; undefined where it does not say. */
export async function readServerClock(
  jsm: JetStreamManager,
  now: () => number = Date.now,
): Promise<{ serverMs: number; localMs: number; errorMs: number } | undefined> {
  const askedMs = now();
  const info = stamped.safeParse(await jsm.streams.info(STREAMS.log));
  const answeredMs = now();
  if (!info.success) return undefined;
  const half = (answeredMs - askedMs) / 2;
  return { serverMs: Date.parse(info.data.ts), localMs: askedMs + half, errorMs: half };
}
