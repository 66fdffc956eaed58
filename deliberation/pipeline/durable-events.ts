/**
 * Handles the events of a subject, each until it is done: all processes of a name pull from one durable consumer.
 *
 * E1. An event is acked when its handler is done with it. One that fails comes again, later each time, and never goes
 *     lost while the stream has it.
 * E2. Long work says that it goes on, so that nobody else begins it meanwhile.
 * E3. A stream or a server that is away is waited for.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { pullQueue } from "../../nats/index.ts";

/** What became of an event: `refuse` takes it away for good. */
export type Handled = { readonly type: "done" } | { readonly type: "refuse"; readonly reason: string };

export interface DurableEventsOptions {
  readonly nc: NatsConnection;
  readonly stream: string;
  readonly subject: string;
  readonly durable: string;
  /** Fails when it cannot be done now. */
  readonly handle: (message: JsMsg) => Promise<Handled>;
  /** Events that are handled at once in this process. Default 16. */
  readonly concurrency?: number;
  /** How soon the event of a process that died goes to another one, ms. Default 30 000. */
  readonly ackWaitMs?: number;
  /** Hears of what failed, and when it is tried again. */
  readonly onRetry: (
    error: unknown,
    about: { readonly seq: number; readonly tries: number; readonly inMs: number },
  ) => void;
  /** Hears that the stream cannot be read at the moment. */
  readonly onAway: (error: unknown) => void;
}

export interface DurableEvents extends AsyncDisposable {
  /** Takes nothing more and waits for what has begun. */
  stop(): Promise<void>;
}

const CONCURRENCY = 16;
const ACK_WAIT_MS = 30_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

export function consumeEvents(options: DurableEventsOptions): DurableEvents {
  const { nc, stream, durable, handle, concurrency = CONCURRENCY, ackWaitMs = ACK_WAIT_MS, onRetry, onAway } = options;

  const serve = async (message: JsMsg): Promise<void> => {
    const working = setInterval(() => message.working(), ackWaitMs / 3);
    try {
      const handled = await handle(message);
      if (handled.type === "done") message.ack();
      else message.term(handled.reason.slice(0, 200));
    } catch (error) {
      const tries = message.info.deliveryCount;
      const inMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(tries - 1, 20), LONGEST_RETRY_MS);
      onRetry(error, { seq: message.seq, tries, inMs });
      message.nak(inMs);
    } finally {
      clearInterval(working);
    }
  };

  const { stop } = pullQueue({
    bind: async () => {
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      await ensureConsumer(jsm, options, ackWaitMs, concurrency);
      return jetstream(nc).consumers.get(stream, durable);
    },
    prefetch: concurrency,
    handle: serve,
    onAway,
    isOver: () => nc.isClosed(),
  });
  return { stop, [Symbol.asyncDispose]: stop };
}

async function ensureConsumer(
  jsm: JetStreamManager,
  { stream, subject, durable }: DurableEventsOptions,
  ackWaitMs: number,
  concurrency: number,
): Promise<void> {
  await jsm.consumers.add(stream, {
    durable_name: durable,
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: concurrency * 16,
  });
}
