/**
 * Works through a durable consumer that several processes may pull from: what it brings is handled as it comes, a stream or
 * a server that is away is waited for, and who stops hands back what has not begun.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";

export interface PullQueueOptions {
  /** Makes sure that the durable is there. Fails while it cannot be had. */
  readonly bind: () => Promise<Consumer>;
  /** Messages that are handled or wait in this process, at most. */
  readonly prefetch: number;
  /** Acks, naks or terminates the message; never fails. `signal`: it is to stop. */
  readonly handle: (message: JsMsg, signal: AbortSignal) => Promise<void>;
  /** Hears why the queue cannot be read at the moment. */
  readonly onAway: (error: unknown) => void;
  /** Whether nothing can come any more. Default: never, until it is stopped. */
  readonly isOver?: () => boolean;
}

export interface PullQueue {
  /** Takes nothing more and waits for what has begun. */
  stop(): Promise<void>;
}

/** Wait before another try at a queue that cannot be read, ms. */
const AGAIN_MS = 2_000;

export function pullQueue({ bind, prefetch, handle, onAway, isOver = () => false }: PullQueueOptions): PullQueue {
  const stopping = new AbortController();
  const { signal } = stopping;
  const busy = new Set<Promise<void>>();
  let messages: ConsumerMessages | undefined;

  const consume = async (): Promise<void> => {
    const consumer = await bind();
    if (signal.aborted) return;
    messages = await consumer.consume({
      max_messages: prefetch,
      abort_on_missing_resource: true,
      callback: (message) => {
        if (signal.aborted) return message.nak();
        const work = handle(message, signal);
        busy.add(work);
        void work.finally(() => busy.delete(work));
      },
    });
    if (signal.aborted) messages.stop();
    const error = await messages.closed();
    if (error) throw error;
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted && !isOver()) {
      await consume().catch((error: unknown) => {
        if (!signal.aborted) onAway(error);
      });
      await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const looping = loop();
  return {
    stop: async () => {
      stopping.abort();
      messages?.stop();
      await looping;
      await Promise.allSettled(busy);
    },
  };
}
