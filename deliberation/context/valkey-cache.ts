/**
 * What is known of a task, kept in ValKey (or Redis) in front of a store.
 *
 * V1. The store is the truth: the cache is filled from it, and emptied before and filled after each write.
 * V2. A cache that is away fails a write, which is then tried again: what it holds is never older than the store for long.
 *     It fails no read.
 */
import { Redis } from "iovalkey";
import type { ContextStore, DecisionContext, TaskContext } from "./context-store.ts";

export interface ValkeyOptions {
  /** `redis://host:6379/0`, `rediss://…`; `valkey://…` is the same as `redis://…`. */
  readonly url: string;
  /** How long a task is kept, seconds. Default one day. */
  readonly ttlSeconds?: number | undefined;
  /** Hears of reads that went past the cache. */
  readonly onMiss?: (error: unknown) => void;
}

const DAY_SECONDS = 24 * 60 * 60;
const TIMEOUT_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;

/** The store with the cache in front. Closing it closes both. Connects when it is first used. */
export function cachedInValkey(
  store: ContextStore,
  options: ValkeyOptions,
): ContextStore & { checkCache(): Promise<void> } {
  const { ttlSeconds = DAY_SECONDS, onMiss = () => {} } = options;
  const client = new Redis(options.url.replace(/^valkey(s?):/, "redis$1:"), {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    // A command that cannot be sent now fails now: whoever asks decides what that means.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS),
  });
  // Each command tells of its own failure.
  client.on("error", () => undefined);
  const connected = async (): Promise<Redis> => {
    if (client.status === "wait" || client.status === "end") await client.connect();
    return client;
  };
  const fill = async (taskId: string): Promise<TaskContext | undefined> => {
    const found = await store.task(taskId);
    if (found !== undefined) await (await connected()).set(keyOf(taskId), JSON.stringify(found), "EX", ttlSeconds);
    return found;
  };
  return {
    name: `${store.name}, cached in ValKey at ${new URL(options.url).host}`,
    save: async (context: DecisionContext) => {
      await (await connected()).del(keyOf(context.task.id));
      await store.save(context);
      await fill(context.task.id);
    },
    task: async (taskId) => {
      try {
        const kept = await (await connected()).get(keyOf(taskId));
        if (kept !== null) return JSON.parse(kept) as TaskContext;
        return await fill(taskId);
      } catch (error) {
        onMiss(error);
        return store.task(taskId);
      }
    },
    decisionsOf: (agentId) => store.decisionsOf(agentId),
    check: () => store.check(),
    checkCache: async () => {
      await (await connected()).ping();
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await store[Symbol.asyncDispose]();
    },
  };
}

export function keyOf(taskId: string): string {
  return `rayflow:context:task:${taskId}`;
}
