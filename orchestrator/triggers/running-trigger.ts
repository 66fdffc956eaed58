import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "../logger.ts";
import type { TriggerRuns } from "./trigger-runs.ts";

/** What the triggers share. */
export interface TriggerParts {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly runs: TriggerRuns;
  readonly logger: Logger;
}

/** A trigger that this orchestrator listens for. */
export interface RunningTrigger {
  /** Takes nothing more and waits for what has begun. */
  stop(): Promise<void>;
}
