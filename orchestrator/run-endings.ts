/** What is due when a run has ended: its answer, the news of it, the end of its own variables. */
import type { NatsConnection } from "@nats-io/transport-node";
import { encodeMessage, isPublishable, type RunEvent, type RunResult, subjects, WIRE_VERSION } from "../nats/index.ts";
import type { VariableStore } from "../store/index.ts";
import type { EndedRun } from "./run/fold.ts";

export interface RunEndingsOptions {
  readonly nc: NatsConnection;
  readonly variables: VariableStore;
}

export class RunEndings {
  readonly #options: RunEndingsOptions;

  constructor(options: RunEndingsOptions) {
    this.#options = options;
  }

  /** Safe to repeat: after a recovery the same run is settled again. */
  async settle(run: EndedRun, result: RunResult): Promise<void> {
    const { nc, variables } = this.#options;
    const event: RunEvent = { v: WIRE_VERSION, kind: "finished", run_id: run.id, result };
    const bytes = encodeMessage(event);
    nc.publish(subjects.event(run.id, event.kind), bytes);
    if (run.reply !== undefined && isPublishable(run.reply)) nc.publish(run.reply, bytes);
    if (run.hasVariables) await variables.purgeRun(run.id);
  }
}
