/** How far a reader of the log is behind: asked of the stream, so that it is true also of a reader that hangs. */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { STREAMS } from "../nats/index.ts";
import { subjectsOf } from "./log-feed.ts";

const DIRECT_GET = `$JS.API.DIRECT.GET.${STREAMS.log}`;
/** What a batch says of itself with each message: how many more there are that fit. */
const PENDING = "Nats-Num-Pending";
const NOT_FOUND = 404;
const ASK_MS = 1_500;

/**
 * Messages after a sequence that may concern a partition, those that results of several share among them; three requests.
 * Rejects when the server does not answer, or is too old to count.
 */
export async function messagesBehind(nc: NatsConnection, partition: number, afterSeq: number): Promise<number> {
  const counts = await Promise.all(subjectsOf([partition]).map((subject) => messagesAfter(nc, subject, afterSeq)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A batch of one gives the first message and how many come after it; the batch's end goes to nobody. */
async function messagesAfter(nc: NatsConnection, subject: string, afterSeq: number): Promise<number> {
  const asked = JSON.stringify({ seq: afterSeq + 1, next_by_subj: subject, batch: 1 });
  const { headers } = await nc.request(DIRECT_GET, asked, { timeout: ASK_MS });
  if (headers?.code === NOT_FOUND) return 0;
  const pending = headers?.get(PENDING);
  if (!pending) throw new RayflowError("ServerTooOld", `the server's answer has no ${PENDING}`);
  return 1 + Number(pending);
}
