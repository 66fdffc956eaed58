/**
 * The fold: a run is what its log says, message by message. The orchestrator folds live; the CLI, the tests and the
 * editor fold the same messages with the same code to show a run at any point.
 */
import { buildGraph, type ErrorInfo, type Graph, type NodeType, RayflowError } from "../../flow/index.ts";
import type { ResultMessage, RunMessage, RunResult, SubmittedMessage } from "../../nats/messages.ts";
import { isRepeated } from "./breakpoints.ts";
import type { Command } from "./commands.ts";
import { type RunEventIn, type RunMachine, type RunMachineState, startMachine } from "./machine.ts";
import { outstanding } from "./outstanding.ts";
import type { RunState } from "./run-state.ts";
import { type RunSnapshot, restore, type SubmittedHead, takeSnapshot } from "./snapshot.ts";
import { noteRun, type SpanRecord } from "./span-records.ts";
import { createRunState } from "./state-tracker.ts";

/** One message of a partition's log. `timeMs` is when JetStream stored it. */
export type LogEntry =
  | { readonly seq: number; readonly timeMs: number; readonly kind: "run"; readonly message: RunMessage }
  | { readonly seq: number; readonly timeMs: number; readonly kind: "result"; readonly message: ResultMessage };

/** What must still be known of a run when its `finished` message comes. */
export interface EndedRun {
  readonly id: string;
  readonly reply: string | undefined;
  /** Whether it may have written variables of its own. */
  readonly hasVariables: boolean;
  /** The activation that waits for it. */
  readonly parent: SubmittedMessage["parent"];
  readonly traceparent?: string | undefined;
}

/** Categories of built-in types whose code never touches a variable. */
const WITHOUT_VARIABLES = new Set(["base", "math", "logic", "string", "data", "control", "io"]);

export function endedRun(message: SubmittedMessage): EndedRun {
  const touches = message.types.some((type) => type.kind === "actor" && !WITHOUT_VARIABLES.has(type.category));
  return {
    id: message.run,
    reply: message.reply,
    parent: message.parent,
    traceparent: message.traceparent,
    hasVariables: touches || Object.keys(message.flow.variables).length > 0,
  };
}

/** What takes a run's events: `startMachine`, or one that goes the same way and shows it (`inspected-machine.ts`). */
export type StartMachine = (run: RunState, at?: RunMachineState) => Pick<RunMachine, "state" | "done" | "send">;

/** A run under the fold. */
export class Run {
  readonly id: string;
  /** Sequence of its first message. */
  readonly firstSeq: number;
  readonly ended: EndedRun;
  readonly #submitted: SubmittedHead;
  readonly #run: RunState;
  readonly #machine: ReturnType<StartMachine>;

  /**
   * `graph` is the one of the message's flow, when the caller has it already; `snapshot` is where the run goes on;
   * `start` gives the machine that it goes through.
   * @throws GraphBuildError when the flow in the message does not make a graph.
   */
  constructor(
    message: SubmittedMessage,
    at: { partition: number; seq: number; timeMs: number },
    graph?: Graph,
    snapshot?: RunSnapshot,
    start: StartMachine = startMachine,
  ) {
    const { flow: _flow, types: _types, ...head } = message;
    this.#submitted = head;
    this.id = message.run;
    this.firstSeq = at.seq;
    this.ended = endedRun(message);
    this.#run = createRunState(message, graph ?? graphOf(message), {
      partition: at.partition,
      time: at.timeMs,
      seq: at.seq,
    });
    if (snapshot) restore(this.#run, snapshot);
    this.#machine = start(this.#run, snapshot?.state);
  }

  /** A run that goes on from a snapshot, with the flow and the types that belong to it. */
  static resume(
    snapshot: RunSnapshot,
    flow: SubmittedMessage["flow"],
    types: SubmittedMessage["types"],
    graph?: Graph,
  ): Run {
    const message: SubmittedMessage = { ...snapshot.submitted, flow, types };
    const at = { partition: snapshot.partition, seq: snapshot.firstSeq, timeMs: snapshot.submittedAt };
    return new Run(message, at, graph, snapshot);
  }

  /** Everything it needs to go on; share nothing of it with a run that is folded on. */
  snapshot(): RunSnapshot {
    return takeSnapshot(this.#run, this.state, this.#submitted, this.firstSeq);
  }

  /** Starts it: the `submitted` message is the first step. Gives what it wants done. */
  begin(): Command[] {
    return this.#step({ type: "begin", seq: this.firstSeq, time: this.#run.submittedAt });
  }

  /** Folds one message in. `result` messages may hold results of other runs too: only this run's are applied. */
  apply(entry: LogEntry): Command[] {
    const at = { seq: entry.seq, time: entry.timeMs };
    if (entry.kind === "result") {
      const { type, results } = entry.message;
      const commands: Command[] = [];
      for (const result of results) {
        if (result.run !== this.id) continue;
        const { seq, time } = at;
        commands.push(...this.#step({ type: "message", seq, time, message: { kind: "result", type, result } }));
      }
      return commands;
    }
    const { message } = entry;
    if (message.kind === "submitted" || message.kind === "finished") return [];
    if (message.kind === "control") {
      if (message.id !== undefined && isRepeated(this.#run, message.id)) return [];
      if (message.action !== "retry" && message.action !== "breakpoints") {
        return this.#step({ type: message.action, ...at, reason: message.reason });
      }
    }
    return this.#step({ type: "message", ...at, message });
  }

  /** Whether anybody listens to its news of nodes: unheard ones are not made. */
  set heard(heard: boolean) {
    this.#run.unheard = !heard;
  }

  /** From now on notes down what comes to an end, if the run is traced and that is `wanted`. */
  noteSpans(wanted: boolean): void {
    this.#run.spans = wanted && this.#run.traceparent !== undefined ? (this.#run.spans ?? []) : undefined;
  }

  /** What was noted since the last time. */
  takeSpans(): SpanRecord[] {
    const spans = this.#run.spans ?? [];
    if (spans.length > 0) this.#run.spans = [];
    return spans;
  }

  /** It cannot be folded on: the last note that it makes. */
  breakOff(error: ErrorInfo): void {
    if (!this.#run.result) noteRun(this.#run, { status: "failed", error });
  }

  /** What it asked for after `sinceSeq` and has not got yet. */
  outstanding(sinceSeq: number): Command[] {
    return outstanding(this.#run, sinceSeq);
  }

  get state(): RunMachineState {
    return this.#machine.state;
  }

  /** The state as the planner keeps it: for reading alone. */
  get details(): Readonly<RunState> {
    return this.#run;
  }

  /** The result object, once the run has ended. */
  get result(): RunResult | undefined {
    return this.#run.result;
  }

  #step(event: RunEventIn): Command[] {
    const run = this.#run;
    // A run that has ended is deaf: late results and timers are no news to it.
    if (this.#machine.done) return [];
    this.#machine.send(event);
    const commands = run.out;
    run.out = [];
    if (run.news.length > 0) {
      const nodes = run.news;
      run.news = [];
      commands.push({ type: "announce", event: { v: 1, kind: "node", run_id: run.id, seq: event.seq, nodes } });
    }
    return commands;
  }
}

/** The graph of a run's own flow with the node types it was pinned to. */
export function graphOf(message: Pick<SubmittedMessage, "flow" | "types">): Graph {
  return buildGraph(message.flow, new Map(message.types.map((type: NodeType) => [type.type, type])));
}

/**
 * Folds the messages of one run, in log order, up to and including `untilSeq`.
 * @throws RunNotFound when its `submitted` message is not among them.
 */
export function foldRun(runId: string, partition: number, entries: Iterable<LogEntry>, untilSeq = Infinity): Run {
  let run: Run | undefined;
  for (const entry of entries) {
    if (entry.seq > untilSeq) break;
    if (run) run.apply(entry);
    else if (entry.kind === "run" && entry.message.kind === "submitted" && entry.message.run === runId) {
      run = new Run(entry.message, { partition, seq: entry.seq, timeMs: entry.timeMs });
      run.begin();
    }
  }
  if (!run) throw new RayflowError("RunNotFound", `the log holds no submission of ${runId}`);
  return run;
}
