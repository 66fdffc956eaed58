/**
 * A run without a bus, for tests: the machine's commands go into a bag, and a test (or a seed) says which of them is
 * answered next. Every message goes through the log, so the log can be folded again afterwards.
 */
import { buildGraph, type NodeTypes, normalizeFlow, RayflowError, usedTypes } from "../../flow/index.ts";
import type { DispatchEntry, NodeResult, RunMessage, RunOptions, RunResult } from "../../nats/messages.ts";
import type { Command } from "./commands.ts";
import { type LogEntry, Run } from "./fold.ts";

/** What a fake actor answers. */
export type Answer =
  | { readonly outputs?: Record<string, unknown>; readonly exec?: readonly string[] }
  | { readonly error: { readonly code: string; readonly message?: string; readonly retryable?: boolean } };

export interface BenchOptions {
  readonly types: NodeTypes;
  readonly inputs?: Record<string, unknown>;
  readonly options?: RunOptions;
  readonly id?: string;
  /** What it may take, where that is not the default. */
  readonly limits?: Record<string, number>;
}

/** One run on a workbench. Time is `now`, ms; it only moves when a test moves it or a timer fires. */
export class RunBench {
  readonly run: Run;
  readonly log: LogEntry[] = [];
  readonly commands: Command[] = [];
  /** Work that nobody has answered, oldest first. */
  readonly work: { readonly type: string; readonly entry: DispatchEntry }[] = [];
  readonly timers = new Map<string, number>();
  readonly children: Extract<Command, { type: "startChild" }>[] = [];
  now = 1_000_000;

  constructor(flowJson: unknown, options: BenchOptions) {
    const { flow, issues } = normalizeFlow(flowJson);
    if (!flow || issues.length > 0) throw new RayflowError("InvalidFlow", JSON.stringify(issues));
    const message: RunMessage = {
      v: 1,
      kind: "submitted",
      run: options.id ?? "run1",
      flow,
      types: usedTypes(flow, options.types),
      inputs: options.inputs ?? {},
      options: options.options ?? {},
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    };
    this.log.push({ seq: 1, timeMs: this.now, kind: "run", message });
    this.run = new Run(message, { partition: 0, seq: 1, timeMs: this.now }, buildGraph(flow, options.types));
    this.#take(this.run.begin());
  }

  get result(): RunResult | undefined {
    return this.run.result;
  }

  /** Puts a message into the log and folds it. */
  append(message: RunMessage): void {
    this.#fold({ seq: this.log.length + 1, timeMs: this.now, kind: "run", message });
  }

  /** Answers one execution; a test may answer the same one twice. */
  answer(work: { readonly type: string; readonly entry: DispatchEntry }, answer: Answer, durationMs = 1): void {
    const at = this.work.indexOf(work);
    if (at >= 0) this.work.splice(at, 1);
    const { entry, type } = work;
    const base = { id: entry.id, run: entry.run, started_at: this.now, duration_ms: durationMs, actor: "bench" };
    const result: NodeResult =
      "error" in answer
        ? { ...base, status: "error", error: { message: answer.error.code, retryable: true, ...answer.error } }
        : {
            ...base,
            status: "ok",
            outputs: answer.outputs ?? {},
            ...(answer.exec ? { exec: [...answer.exec] } : {}),
          };
    this.#fold({
      seq: this.log.length + 1,
      timeMs: this.now,
      kind: "result",
      message: { v: 1, type, results: [result] },
    });
  }

  /** Fires the timer that is due first; false when there is none. */
  fireNext(): boolean {
    const next = [...this.timers].sort(([, a], [, b]) => a - b)[0];
    if (!next) return false;
    const [id, at] = next;
    this.timers.delete(id);
    this.now = Math.max(this.now, at);
    this.append({ v: 1, kind: "timer", run: this.run.id, id });
    return true;
  }

  #fold(entry: LogEntry): void {
    this.log.push(entry);
    this.#take(this.run.apply(entry));
  }

  #take(commands: readonly Command[]): void {
    for (const command of commands) {
      this.commands.push(command);
      if (command.type === "sendExec" || command.type === "sendData") {
        this.work.push({ type: command.nodeType, entry: command.entry });
      } else if (command.type === "setTimer") this.timers.set(command.id, command.at);
      else if (command.type === "cancelTimer") this.timers.delete(command.id);
      else if (command.type === "startChild") this.children.push(command);
    }
  }
}

/** A reproducible source of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
