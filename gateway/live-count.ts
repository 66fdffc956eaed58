/**
 * The runs that have not ended, kept up to date by reading only what is new in the log.
 *
 * C1. What was trimmed before it was read is made up for by a look at everything: nothing that has ended stays.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { STREAMS } from "../nats/index.ts";
import { runHeads } from "../store/index.ts";
import { findLiveRuns, type LiveRun, type LiveRunsOptions } from "./live-runs.ts";

export class LiveCount {
  readonly #options: LiveRunsOptions;
  #live = new Map<string, LiveRun>();
  #nextSeq: number | undefined;

  constructor(options: LiveRunsOptions) {
    this.#options = options;
  }

  /** Oldest first. `started`: how many began since the last time; undefined where nobody can say. */
  async read(): Promise<{ runs: LiveRun[]; started: number | undefined }> {
    const { nc } = this.#options;
    const { streams } = await jetstreamManager(nc, { checkAPI: false });
    const { first_seq, last_seq } = (await streams.info(STREAMS.log)).state;
    const from = this.#nextSeq;
    this.#nextSeq = last_seq + 1;
    const started = from === undefined || first_seq > from ? await this.#lookAtAll() : await this.#lookAtNew(from);
    return { runs: [...this.#live.values()].sort((a, b) => a.firstSeq - b.firstSeq), started };
  }

  async #lookAtAll(): Promise<undefined> {
    const found = await findLiveRuns(this.#options, Number.POSITIVE_INFINITY);
    this.#live = new Map(found.map((run) => [run.run, run]));
  }

  async #lookAtNew(fromSeq: number): Promise<number> {
    let started = 0;
    const { nc, partitions } = this.#options;
    for (const head of (await runHeads(nc, partitions, fromSeq)).values()) {
      const { run, partition, firstSeq, ended } = head;
      const isNew = firstSeq !== undefined && !this.#live.has(run);
      if (isNew) started++;
      if (ended) this.#live.delete(run);
      else if (isNew) this.#live.set(run, { run, partition, firstSeq, mark: undefined, head });
    }
    return started;
  }
}
