/**
 * Folds one run's log for somebody who looks at it, with the engine's own fold, and keeps what the fold lets go of: the
 * failed attempts and the inputs they had.
 *
 * V1. What is kept grows with the flow, not with the length of the log.
 * V2. A log that the fold cannot go on with is read on to its `finished` message all the same.
 */
import { type ErrorInfo, toErrorInfo } from "../flow/index.ts";
import type { NodeEvent, RunResult } from "../nats/index.ts";
import { type LogEntry, Run } from "../orchestrator/index.ts";
import { begunEvaluations, endedEvaluations } from "./evaluations.ts";
import type { StepNode } from "./run-views.ts";

/** A node that failed and has not completed since. */
export interface Failure {
  readonly node: string;
  readonly scope: string;
  readonly type: string;
  readonly attempts: { readonly attempt: number; readonly atMs: number; readonly error: ErrorInfo }[];
  inputs: Record<string, unknown> | undefined;
}

const MAX_FAILURES = 100;
const MAX_ATTEMPTS_EACH = 20;

export class RunFolder {
  readonly id: string;
  readonly #partition: number;
  readonly failures = new Map<string, Failure>();
  /** Seconds that settled nodes of the root scope took. */
  readonly seconds = new Map<string, number>();
  /** How many events were folded. */
  events = 0;
  last: { readonly seq: number; readonly timeMs: number } | undefined;
  finished: { readonly result: RunResult; readonly timeMs: number } | undefined;
  broken: ErrorInfo | undefined;
  #run: Run | undefined;

  /** `run`: where to go on from, if not from the submission. */
  constructor(id: string, partition: number, run?: Run) {
    this.id = id;
    this.#partition = partition;
    this.#run = run;
    if (run) this.last = { seq: run.details.seq, timeMs: run.details.now };
  }

  /** Undefined until the submission has come. */
  get run(): Run | undefined {
    return this.#run;
  }

  /** Folds one entry that concerns this run; gives what it led to. */
  take(entry: LogEntry): readonly StepNode[] {
    this.events++;
    this.last = { seq: entry.seq, timeMs: entry.timeMs };
    if (entry.kind === "run" && entry.message.kind === "finished") {
      this.finished = { result: entry.message.result, timeMs: entry.timeMs };
      return [];
    }
    try {
      return this.#fold(entry);
    } catch (error) {
      this.broken ??= toErrorInfo(error, "GraphBuildError");
      return [];
    }
  }

  #fold(entry: LogEntry): readonly StepNode[] {
    if (this.broken) return [];
    let commands: ReturnType<Run["begin"]> = [];
    const ended = this.#run ? endedEvaluations(entry, this.#run) : [];
    if (this.#run) commands = this.#run.apply(entry);
    else if (entry.kind === "run" && entry.message.kind === "submitted") {
      // Whatever the run tells the world, who looks at it here sees all of it.
      const options = { ...entry.message.options, events: true, debug: true };
      const at = { partition: this.#partition, seq: entry.seq, timeMs: entry.timeMs };
      this.#run = new Run({ ...entry.message, options }, at);
      commands = this.#run.begin();
    }
    const news = commands.flatMap((command) =>
      command.type === "announce" && command.event.kind === "node" ? command.event.nodes : [],
    );
    for (const event of news) this.#note(event, entry.timeMs);
    return this.#run ? [...ended, ...news, ...begunEvaluations(commands, this.#run)] : news;
  }

  #note(event: NodeEvent, timeMs: number): void {
    const { node, scope, type, state, attempt, error, inputs } = event;
    if (scope === "" && event.time !== undefined) this.seconds.set(node, event.time);
    const key = `${node}@${scope}`;
    if (state === "completed") this.failures.delete(key);
    if (error === undefined || (state !== "failed" && state !== "retrying")) return;
    const known = this.failures.get(key) ?? { node, scope, type, attempts: [], inputs };
    known.inputs = inputs ?? known.inputs;
    known.attempts.push({ attempt, atMs: timeMs, error });
    if (known.attempts.length > MAX_ATTEMPTS_EACH) known.attempts.shift();
    // The latest are kept.
    this.failures.delete(key);
    this.failures.set(key, known);
    const oldest = this.failures.keys().next();
    if (this.failures.size > MAX_FAILURES && !oldest.done) this.failures.delete(oldest.value);
  }
}
