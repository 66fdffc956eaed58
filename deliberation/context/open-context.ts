/** The context service as one process: the stores that were named, the embedded one where none was. */
import { randomUUID } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { CONTEXT_EVENTS, ensureEventStreams, ORCHESTRATOR_EVENTS } from "../pipeline/streams.ts";
import { reportHealth } from "../service-health.ts";
import { type ContextServiceOptions, startContextService } from "./context-service.ts";
import type { ContextStore } from "./context-store.ts";
import { openKvContextStore } from "./kv-context-store.ts";
import type { Neo4jOptions } from "./neo4j-context-store.ts";
import type { ValkeyOptions } from "./valkey-cache.ts";

export interface ContextStoreOptions {
  readonly nc: NatsConnection;
  /** Default: on JetStream KV. */
  readonly neo4j?: Neo4jOptions | undefined;
  /** Default: no cache. */
  readonly valkey?: ValkeyOptions | undefined;
}

export interface OpenContextStore extends ContextStore {
  readonly connections: readonly { readonly name: string; readonly check: () => Promise<string> }[];
}

/** Databases are connected to when they are first used: one that is away is waited for. @throws ConnectionFailed (NATS) */
export async function openContextStore({ nc, neo4j, valkey }: ContextStoreOptions): Promise<OpenContextStore> {
  const store =
    neo4j === undefined
      ? await openKvContextStore(nc)
      : await (await import("./neo4j-context-store.ts")).openNeo4jContextStore(neo4j);
  const answers = async (): Promise<string> => {
    await store.check();
    return store.name;
  };
  const connections = [{ name: "context store", check: answers }];
  if (valkey === undefined) return withConnections(store, connections);
  const { cachedInValkey } = await import("./valkey-cache.ts");
  const cached = cachedInValkey(store, valkey);
  const cacheAnswers = async (): Promise<string> => {
    await cached.checkCache();
    return new URL(valkey.url).host;
  };
  return withConnections(cached, [...connections, { name: "ValKey", check: cacheAnswers }]);
}

function withConnections(store: ContextStore, connections: OpenContextStore["connections"]): OpenContextStore {
  return {
    name: store.name,
    connections,
    save: (context) => store.save(context),
    task: (taskId) => store.task(taskId),
    decisionsOf: (agentId) => store.decisionsOf(agentId),
    check: () => store.check(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export interface ContextOptions extends ContextStoreOptions {
  /** Of RayFlow, as others see it. */
  readonly version: string;
  readonly logger: ContextServiceOptions["logger"];
}

export interface RunningContext extends AsyncDisposable {
  /** What it writes to, for people. */
  readonly store: string;
  stop(): Promise<void>;
}

/** Keeps what deliberations decide, until it is stopped. @throws ConnectionFailed, TopologyConflict */
export async function startContext(options: ContextOptions): Promise<RunningContext> {
  const { nc, version, logger } = options;
  await ensureEventStreams(nc, [ORCHESTRATOR_EVENTS, CONTEXT_EVENTS]);
  const store = await openContextStore(options);
  const events = startContextService({ nc, store, logger });
  const nats = { name: "NATS", check: async () => nc.getServer() };
  const id = randomUUID().slice(0, 8);
  const health = reportHealth({ nc, service: "context", id, version, connections: [nats, ...store.connections] });
  const stop = async (): Promise<void> => {
    health[Symbol.dispose]();
    await events.stop();
    await store[Symbol.asyncDispose]();
  };
  return { store: store.name, stop, [Symbol.asyncDispose]: stop };
}
