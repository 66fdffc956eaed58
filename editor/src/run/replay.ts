/**
 * The history of one run, folded in the browser with the engine's own code: a frame for every entry of its log, live
 * or long ended, as the entries come.
 *
 * R1. A frame holds what its entry changed, with what was before; so any frame is reached from any other, in both
 *     directions, without folding again, and a history costs what happened in it, not frames times nodes.
 * R2. Entries that are known, and results of other runs, make no frame: it is safe to hand in what overlaps.
 * R3. A log that the fold cannot go on with is read on to its `finished` message all the same.
 */
import { type ErrorInfo, type Graph, toErrorInfo } from "../../../flow/index.ts";
import type { SubmittedMessage } from "../../../nats/messages.ts";
import { type Command, Run } from "../../../orchestrator/run/index.ts";
import type { LogEntry, RunResult, RunStanding } from "../api/answers.ts";
import { ActivationTracker } from "./activation-tracker.ts";
import { summaryOf } from "./entry-summary.ts";
import type { Change, Frame, HeldFrame } from "./frame.ts";
import { FrameCursor } from "./frame-cursor.ts";

const NONE: readonly HeldFrame[] = [];

export class RunFrames {
  readonly id: string;
  readonly #frames: Frame[] = [];
  #run: Run | undefined;
  #tracker: ActivationTracker | undefined;
  #submitted: SubmittedMessage | undefined;
  #result: RunResult | undefined;
  #broken: ErrorInfo | undefined;
  #targets: ReadonlyMap<string, string> = new Map();

  constructor(id: string) {
    this.id = id;
  }

  get frames(): readonly Frame[] {
    return this.#frames;
  }

  /** With the flow that the run is pinned to; undefined until the submission has come. */
  get submitted(): SubmittedMessage | undefined {
    return this.#submitted;
  }

  get graph(): Graph | undefined {
    return this.#run?.details.graph;
  }

  /** The node that an edge leads to. */
  targetOf(edge: string): string | undefined {
    return this.#targets.get(edge);
  }

  /** Undefined while the run goes on. */
  get result(): RunResult | undefined {
    return this.#result;
  }

  /** Why the fold stopped before the log did. */
  get broken(): ErrorInfo | undefined {
    return this.#broken;
  }

  /** Somebody set breakpoints in it, or stepped. */
  get isDebugged(): boolean {
    return this.#run?.details.debug !== undefined;
  }

  /** Folds the next entry; undefined when it is no news to this run. */
  append(entry: LogEntry): Frame | undefined {
    const last = this.#frames.at(-1);
    if (last && entry.seq <= last.sequence) return undefined;
    if (entry.kind === "result" && !entry.message.results.some(({ run }) => run === this.id)) return undefined;
    if (entry.kind === "run" && entry.message.run !== this.id) return undefined;
    if (!this.#submitted && !(entry.kind === "run" && entry.message.kind === "submitted")) return undefined;
    const { kind, summary } = summaryOf(entry, this.id, this.#run);
    const changes = this.#fold(entry);
    const frame: Frame = {
      index: this.#frames.length,
      sequence: entry.seq,
      timeMs: entry.timeMs,
      kind,
      summary,
      status: this.#standing(),
      held: this.#held(),
      changes,
    };
    this.#frames.push(frame);
    return frame;
  }

  /** The result as the server tells it, when it comes by another way than the log. */
  end(result: RunResult): void {
    this.#result = result;
  }

  /** A place in the history that can be moved; it sees frames that are appended later too. */
  cursor(): FrameCursor {
    return new FrameCursor(this.#frames);
  }

  #fold(entry: LogEntry): readonly Change[] {
    if (entry.kind === "run" && entry.message.kind === "finished") {
      this.#result = entry.message.result;
      return [];
    }
    if (this.#broken) return [];
    try {
      const commands = this.#step(entry);
      return this.#tracker?.read(entry, commands) ?? [];
    } catch (error) {
      this.#broken = toErrorInfo(error, "GraphBuildError");
      return [];
    }
  }

  #step(entry: LogEntry): Command[] {
    if (this.#run) return this.#run.apply(entry);
    if (entry.kind !== "run" || entry.message.kind !== "submitted") return [];
    this.#submitted = entry.message;
    this.#targets = new Map(entry.message.flow.edges.map(({ id, target }) => [id, target]));
    // Whatever the run was to tell the world, who looks at it here sees all of it.
    const options = { ...entry.message.options, events: true, debug: true };
    this.#run = new Run({ ...entry.message, options }, { partition: 0, seq: entry.seq, timeMs: entry.timeMs });
    this.#tracker = new ActivationTracker(this.#run);
    return this.#run.begin();
  }

  #standing(): RunStanding {
    if (this.#result) return this.#result.status;
    const run = this.#run;
    if (!run || this.#broken) return this.#broken ? "failed" : "running";
    if (run.state === "submitted") return "running";
    if (run.state !== "running") return run.state;
    const { inFlight, graph } = run.details;
    for (const { node, pure } of inFlight.values()) {
      if (pure !== undefined || graph.nodes.get(node)?.kind !== "subflow") return "running";
    }
    return "waiting";
  }

  #held(): readonly HeldFrame[] {
    const held = this.#run?.details.debug?.held ?? [];
    if (held.length === 0) return NONE;
    return held.flatMap(({ activation: { node, scope, state, inputs } }) =>
      state === "held" ? [{ node, scope, inputs: inputs ?? {} }] : [],
    );
  }
}
