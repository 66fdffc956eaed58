/**
 * Handles the events of a subject, each until it is done: all processes of a name pull from one durable consumer.
 *
 * E1. An event is acked when its handler is done with it. One that fails comes again, later each time, and never goes
 *     lost while the stream has it.
 * E2. Long work says that it goes on, so that nobody else begins it meanwhile.
 * E3. A stream or a server that is away is waited for.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";

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
const AGAIN_MS = 2_000;

export function consumeEvents(options: DurableEventsOptions): DurableEvents {
  const { nc, stream, durable, handle, concurrency = CONCURRENCY, ackWaitMs = ACK_WAIT_MS, onRetry, onAway } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const busy = new Set<Promise<void>>();
  let messages: ConsumerMessages | undefined;

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

  const consume = async (): Promise<void> => {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    await ensureConsumer(jsm, options, ackWaitMs, concurrency);
    const consumer = await jetstream(nc).consumers.get(stream, durable);
    if (signal.aborted) return;
    messages = await consumer.consume({
      max_messages: concurrency,
      abort_on_missing_resource: true,
      callback: (message) => {
        if (signal.aborted) return message.nak();
        const work = serve(message);
        busy.add(work);
        void work.finally(() => busy.delete(work));
      },
    });
    if (signal.aborted) messages.stop();
    const error = await messages.closed();
    if (error) throw error;
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted && !nc.isClosed()) {
      await consume().catch((error: unknown) => {
        if (!signal.aborted) onAway(error);
      });
      await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const looping = loop();
  const stop = async (): Promise<void> => {
    stopping.abort();
    messages?.stop();
    await looping;
    await Promise.allSettled(busy);
  };
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
