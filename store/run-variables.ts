/**
 * Removes what ended runs leave in the bucket of variables. Most leave nothing, and a purge costs more than to ask: so
 * those that end at the same time share one question, whether any run has variables now.
 */
import type { JetStreamManager } from "@nats-io/jetstream";
import { BUCKETS, bucketStream, subjectToken } from "../nats/index.ts";

const STREAM = bucketStream(BUCKETS.vars);
/** After a yes, runs are asked for one by one for so long, ms. */
const YES_LASTS_MS = 1_000;

/** The prefix of a run's keys. */
export function runPrefix(run: string): string {
  return `run.${subjectToken(run)}`;
}

export class RunVariables {
  readonly #jsm: JetStreamManager;
  #asking: Promise<boolean> | undefined;
  /** Begins when the one before has ended: what is asked now must not be answered with what was before. */
  #next: Promise<boolean> | undefined;
  #yesUntil = 0;

  constructor(jsm: JetStreamManager) {
    this.#jsm = jsm;
  }

  async purge(run: string): Promise<void> {
    if (performance.now() >= this.#yesUntil && !(await this.#anyRunHas())) return;
    const filter = `$KV.${BUCKETS.vars}.${runPrefix(run)}.*`;
    if (await this.#has(filter)) await this.#jsm.streams.purge(STREAM, { filter });
  }

  #anyRunHas(): Promise<boolean> {
    if (this.#asking === undefined) {
      this.#asking = this.#ask();
      return this.#asking;
    }
    this.#next ??= this.#asking.then(ignore, ignore).then(() => {
      this.#next = undefined;
      this.#asking = this.#ask();
      return this.#asking;
    });
    return this.#next;
  }

  async #ask(): Promise<boolean> {
    try {
      const any = await this.#has(`$KV.${BUCKETS.vars}.run.>`);
      if (any) this.#yesUntil = performance.now() + YES_LASTS_MS;
      return any;
    } finally {
      this.#asking = undefined;
    }
  }

  async #has(filter: string): Promise<boolean> {
    return (await this.#jsm.direct.getMessage(STREAM, { last_by_subj: filter })) !== null;
  }
}

function ignore(): void {}
