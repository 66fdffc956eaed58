/**
 * A deliberation as it happens, from its beginning: the steps of its run, the agents' answers, and, if wanted, their tokens.
 *
 * W1. An answer is told once, however often it was published: by agent and round. Failed tries may come before it.
 * W2. The end comes last, behind every answer that was published before it.
 */
import { DeliverPolicy, type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { RunEnd, RunStep } from "../gateway/index.ts";
import { decodeMessage } from "../nats/index.ts";
import type { DeliberationDirectory } from "./deliberation-directory.ts";
import {
  type AgentResultEvent,
  agentResultEvent,
  deliberationSubjects,
  type StreamingEvent,
  streamingEvent,
} from "./messages.ts";
import { AGENT_RESULTS, VLLM_STREAMING } from "./pipeline/streams.ts";

export type DeliberationNews =
  | { readonly kind: "step"; readonly step: RunStep }
  | { readonly kind: "answer"; readonly answer: AgentResultEvent }
  | { readonly kind: "token"; readonly token: StreamingEvent }
  | { readonly kind: "ended"; readonly end: RunEnd };

export interface WatchDeliberationOptions {
  readonly signal: AbortSignal;
  readonly tokens: boolean;
  /** News that wait for a slow reader before tokens are left out. Default 10 000. */
  readonly maxWaiting?: number;
}

const MAX_WAITING = 10_000;
/** An answer that was published before the end is with us by then, ms. */
const LATE_MS = 2_000;

/** @throws RunNotFound, ConnectionFailed */
export async function* watchDeliberation(
  nc: NatsConnection,
  directory: DeliberationDirectory,
  id: string,
  options: WatchDeliberationOptions,
): AsyncGenerator<DeliberationNews> {
  const { signal, tokens, maxWaiting = MAX_WAITING } = options;
  const { task_id } = await directory.record(id);
  const waiting: DeliberationNews[] = [];
  const told = new Set<string>();
  const closing = new AbortController();
  let wake = (): void => {};
  let failure: { readonly error: unknown } | undefined;
  let end: RunEnd | undefined;
  const put = (news: DeliberationNews): void => {
    waiting.push(news);
    wake();
  };
  const stop = (): void => {
    closing.abort();
    wake();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();

  const answers = await follow(nc, AGENT_RESULTS, deliberationSubjects.agentResults(task_id), (message) => {
    const decoded = decodeMessage(agentResultEvent, message.data);
    if (!decoded.ok || decoded.value.deliberation_id !== id) return;
    const { agent_id, round, status } = decoded.value;
    const key = `${agent_id} ${round}`;
    if (told.has(key)) return;
    if (status === "completed") told.add(key);
    put({ kind: "answer", answer: decoded.value });
  });
  const streamed = !tokens
    ? undefined
    : await follow(nc, VLLM_STREAMING, deliberationSubjects.streaming(task_id), (message) => {
        const decoded = decodeMessage(streamingEvent, message.data);
        // Tokens are lossy: a reader that does not keep up gets the answer all the same.
        if (!decoded.ok || decoded.value.deliberation_id !== id || waiting.length >= maxWaiting) return;
        put({ kind: "token", token: decoded.value });
      });
  const steps = (async () => {
    try {
      await directory.runs.log.isKnown(id).then((known) => (known ? undefined : begun(directory, id, closing.signal)));
      for await (const news of directory.runs.watch(id, { signal: closing.signal })) {
        if (news.kind === "ended") {
          await Promise.race([answers.caughtUp(), pause(LATE_MS)]);
          end = news;
          wake();
        } else put({ kind: "step", step: news });
      }
    } catch (error) {
      failure = { error };
      wake();
    }
  })();
  try {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (failure !== undefined) throw failure.error;
      else if (end !== undefined) return yield { kind: "ended", end };
      else if (closing.signal.aborted) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    await Promise.allSettled([answers.stop(), streamed?.stop(), steps]);
  }
}

const BEGUN_PAUSE_MS = 200;

/** A run that was submitted and not taken yet is in no log. */
async function begun(directory: DeliberationDirectory, id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await directory.runs.log.isKnown(id))) {
    if ((await directory.outcome(id)).status !== "running") return;
    await pause(BEGUN_PAUSE_MS);
  }
}

/** Every message of a subject, from the first one that the stream still has. */
async function follow(nc: NatsConnection, stream: string, subject: string, take: (message: JsMsg) => void) {
  const js = jetstream(nc);
  const consumer = await js.consumers.get(stream, { filter_subjects: subject, deliver_policy: DeliverPolicy.All });
  let through = 0;
  const messages = await consumer.consume({
    max_messages: 256,
    callback: (message) => {
      // After a break the consumer begins anew.
      if (message.seq <= through) return;
      through = message.seq;
      take(message);
    },
  });
  return {
    /** Resolves when what is in the stream now has been taken. */
    caughtUp: async (): Promise<void> => {
      const jsm = await js.jetstreamManager(false);
      const last = await jsm.streams.getMessage(stream, { last_by_subj: subject }).catch(() => null);
      while (last !== null && through < last.seq && !nc.isClosed()) await pause(20);
    },
    stop: async (): Promise<void> => {
      messages.stop();
      await consumer.delete().catch(() => undefined);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
