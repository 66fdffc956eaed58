/**
 * What is due when a run has ended: its answer, the news of it, the word to the run that waits for it, its history,
 * and the end of what was kept for it alone.
 */
import { RayflowError } from "../flow/index.ts";
import { failedResult, type RunMessage, type RunResult, WIRE_VERSION } from "../nats/index.ts";
import type { RunHistory, RunLog, VariableStore } from "../store/index.ts";
import type { News } from "./news.ts";
import type { EndedRun } from "./run/fold.ts";
import type { LiveRun } from "./run-shelf.ts";

export interface Ending {
  readonly ended: EndedRun;
  readonly result: RunResult;
  /** Undefined for a run that could not be folded to its end: it has no history. */
  readonly live: LiveRun | undefined;
  /** When its `finished` message was stored, ms since 1970. */
  readonly endedAt: number;
  /** Lets go of its snapshot. */
  readonly forget: () => Promise<void> | undefined;
}

export interface RunEndingsOptions {
  readonly news: Pick<News, "announce">;
  readonly variables: VariableStore;
  readonly history: Pick<RunHistory, "write">;
  readonly log: Pick<RunLog, "append">;
}

export class RunEndings {
  readonly #options: RunEndingsOptions;

  /** Runs whose end has been told. */
  readonly #told = new WeakSet<EndedRun>();

  constructor(options: RunEndingsOptions) {
    this.#options = options;
  }

  /**
   * Tells how a run has ended, before that is in the log: the end follows from what is there already, and whoever waits
   * should not wait for the bookkeeping.
   */
  tell(ended: EndedRun, result: RunResult): void {
    this.#told.add(ended);
    this.#options.news.announce({ v: WIRE_VERSION, kind: "finished", run_id: ended.id, result }, ended.reply);
  }

  /** Safe to repeat: after a recovery the same run is settled again. */
  async settle(ending: Ending): Promise<void> {
    const { ended } = ending;
    if (!this.#told.has(ended)) this.tell(ended, ending.result);
    await Promise.all([
      this.#reportToParent(ending),
      this.#writeHistory(ending),
      ended.hasVariables ? this.#options.variables.purgeRun(ended.id) : undefined,
    ]);
    // Last: as long as it is there, a recovery can do all of this again.
    await ending.forget();
  }

  async #reportToParent({ ended, result }: Ending): Promise<void> {
    if (!ended.parent) return;
    const { run, execution } = ended.parent;
    const report = async (told: RunResult): Promise<void> => {
      const message: RunMessage = { v: WIRE_VERSION, kind: "child", run, execution, result: told };
      await this.#options.log.append(message, { msgId: `${execution}:child` });
    };
    try {
      await report(result);
    } catch (error) {
      // What no log takes now none ever will: trying on would keep this run's part of the log for ever.
      if (!(error instanceof RayflowError) || error.retryable) throw error;
      if (error.code === "PayloadTooLarge") await report(failedResult(ended.id, error.toInfo()));
    }
  }

  async #writeHistory({ result, live, endedAt }: Ending): Promise<void> {
    if (!live) return;
    const { run, blueprint, journal } = live;
    const { version } = blueprint.flow;
    await this.#options.history.write({
      flow: blueprint.graph.name,
      ...(version === undefined ? {} : { version }),
      startedMs: run.details.submittedAt,
      endedMs: endedAt,
      seq: journal.at(-1)?.seq ?? run.details.seq,
      result,
      entries: journal,
    });
  }
}
