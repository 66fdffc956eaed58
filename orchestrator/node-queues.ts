/**
 * Makes sure that each node type of the catalog has its durable: an actor under a restricted role may not make one, and
 * what lies in memory goes with a server that restarts. A durable that is there stays as it is.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { NodeType } from "../flow/index.ts";
import { createNodeConsumer, STREAMS } from "../nats/index.ts";
import type { Logger } from "./logger.ts";

/** How often they are looked for besides after a reconnect and at a new type, ms. */
const INTERVAL_MS = 5_000;
/** An actor that makes its own queues does so at the moment it declares its types: then there is nothing to do. */
const PATIENCE_MS = 300;
/** Made at the same time: in a cluster each one is a vote of its own. */
const AT_ONCE = 8;

export interface NodeQueuesOptions {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly logger: Logger;
  readonly types: () => ReadonlyMap<string, NodeType>;
}

export class NodeQueues {
  readonly #options: NodeQueuesOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: NodeQueuesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), INTERVAL_MS);
    this.#timer.unref();
    void this.#watchConnection();
    this.look();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    return this.#looking ?? Promise.resolve();
  }

  /** To be called when a type was declared. */
  look(): void {
    this.#again = true;
    this.#looking ??= this.#lookUntilDone().finally(() => {
      this.#looking = undefined;
    });
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.nc.status()) {
      if (this.#stopped) return;
      if (status.type === "reconnect") this.look();
    }
  }

  async #lookUntilDone(): Promise<void> {
    while (this.#again && !this.#stopped && !this.#options.nc.isClosed()) {
      await delay(PATIENCE_MS, undefined, { ref: false });
      this.#again = false;
      if (this.#stopped) return;
      try {
        await this.#makeMissing();
      } catch (error) {
        this.#options.logger.debug({ err: error }, "the queues of the node types could not be looked at");
      }
    }
  }

  async #makeMissing(): Promise<void> {
    const { jsm, types, logger } = this.#options;
    const there = new Set<string>();
    for await (const { name } of jsm.consumers.list(STREAMS.nodes)) there.add(name);
    const missing = [...types().values()].filter(({ type, kind }) => kind === "actor" && !there.has(type));
    for (let at = 0; at < missing.length && !this.#stopped; at += AT_ONCE) {
      await Promise.all(missing.slice(at, at + AT_ONCE).map(({ type }) => createNodeConsumer(jsm, type)));
    }
    if (missing.length > 0) logger.debug({ types: missing.length }, "made the queues of node types");
  }
}
