/**
 * Reads off a run under the fold what each entry of its log changed: which activations moved, which edges resolved.
 *
 * It owns what is known of every activation so far, also of those that the engine has let go of with their scope. It
 * looks at the run's state and at the news that the fold announces, and changes neither.
 *
 * A1. The work for one entry grows with what is in flight, not with the length of the log.
 * A2. An activation that has settled is not touched again.
 */
import {
  type Activation,
  type Command,
  executionId,
  iterationScope,
  type Run,
  type Scope,
} from "../../../orchestrator/run/index.ts";
import type { LogEntry } from "../api/answers.ts";
import { AttemptLog } from "./attempt-log.ts";
import { EdgeTracker } from "./edge-tracker.ts";
import { type ActivationFrame, activationKey, type Change, iterationOf, type NodeState, unreached } from "./frame.ts";

type News = Extract<Extract<Command, { type: "announce" }>["event"], { kind: "node" }>["nodes"][number];

const SETTLED: ReadonlySet<NodeState> = new Set(["completed", "failed", "skipped", "cancelled"]);

export class ActivationTracker {
  readonly #run: Run;
  /** The latest frame of every activation, by key. */
  readonly #frames = new Map<string, ActivationFrame>();
  /** The engine's own records of those that have not settled. */
  readonly #open = new Map<string, Activation>();
  /** Of these, the ones that may move without news. */
  readonly #watched = new Set<string>();
  readonly #iterations = new Map<string, number>();
  /** Evaluations of pure nodes that are not answered, by the key of their consumer. */
  readonly #pulls = new Map<string, Set<string>>();
  readonly #attempts = new AttemptLog();
  readonly #edges: EdgeTracker;
  /** Frames as they were before the entry at hand, by key. */
  #before = new Map<string, ActivationFrame | undefined>();
  readonly #opened = new Set<string>([""]);
  #nowMs = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#edges = new EdgeTracker(run, (key) => this.#frames.get(key));
  }

  /** To be called after each entry was folded, with what the fold then wanted done. */
  read(entry: LogEntry, commands: readonly Command[]): Change[] {
    this.#nowMs = entry.timeMs;
    this.#before = new Map();
    this.#answer(entry);
    for (const command of commands) if (command.type === "sendData") this.#pull(command.entry);
    for (const command of commands) {
      if (command.type !== "announce" || command.event.kind !== "node") continue;
      for (const news of command.event.nodes) this.#hear(news);
    }
    for (const { scope, edge } of this.#edges.openGates()) this.#watch(scope, edge.target);
    for (const key of this.#watched) this.#look(key);
    const changes: Change[] = [];
    for (const [key, before] of this.#before) {
      const after = this.#frames.get(key);
      if (after) changes.push({ kind: "activation", before, after });
    }
    return [...changes, ...this.#edges.take()];
  }

  #answer(entry: LogEntry): void {
    if (entry.kind === "result") {
      for (const result of entry.message.results) {
        const key = result.run === this.#run.id ? this.#attempts.keyOf(result.id) : undefined;
        const frame = key === undefined ? undefined : this.#frames.get(key);
        if (key === undefined || !frame) continue;
        const attempts = this.#attempts.answered(frame.attempts, result, this.#nowMs);
        if (attempts === frame.attempts) continue;
        if (frame.consumer === undefined) this.#put({ ...frame, attempts });
        else this.#settlePull(frame, attempts, result);
      }
      return;
    }
    const { message } = entry;
    if (message.kind !== "undeliverable" && message.kind !== "child") return;
    const key = this.#attempts.keyOf(message.kind === "child" ? message.execution : message.id);
    const frame = key === undefined ? undefined : this.#frames.get(key);
    if (!frame) return;
    if (message.kind === "child") return this.#put({ ...frame, childRun: message.result.run_id });
    const attempts = this.#attempts.closed(frame.attempts, "failed", this.#nowMs, message.error);
    if (frame.consumer === undefined) this.#put({ ...frame, attempts });
    else this.#settlePull(frame, attempts, { status: "error", error: message.error });
  }

  #settlePull(
    frame: ActivationFrame,
    attempts: ActivationFrame["attempts"],
    result: {
      readonly status: "ok" | "error";
      readonly outputs?: ActivationFrame["outputs"];
      readonly error?: ActivationFrame["error"];
    },
  ): void {
    this.#pulls.get(activationKey(frame.consumer ?? "", frame.scope))?.delete(frame.key);
    const ok = result.status === "ok";
    this.#put({
      ...frame,
      attempts,
      state: ok ? "completed" : "failed",
      outputs: ok ? (result.outputs ?? {}) : undefined,
      error: ok ? undefined : result.error,
      endedMs: this.#nowMs,
      workedMs: (frame.workedMs ?? 0) + (attempts.at(-1)?.workedMs ?? 0),
    });
    if (ok) this.#edges.gave(frame.node, frame.scope, result.outputs ?? {});
  }

  #pull(entry: Extract<Command, { type: "sendData" }>["entry"]): void {
    const [, consumer = "", round = ""] = /^[^:]*:([^@]+)@[^~>]*(~\d+)?>/.exec(entry.id) ?? [];
    const key = `${activationKey(entry.node, entry.scope)}>${consumer}${round}`;
    const known = this.#frames.get(key) ?? unreached(key, entry.node, entry.scope, consumer, this.#nowMs);
    this.#attempts.expect(entry.id, key);
    const consumerKey = activationKey(consumer, entry.scope);
    const open = this.#pulls.get(consumerKey) ?? new Set();
    this.#pulls.set(consumerKey, open.add(key));
    this.#put({
      ...known,
      state: "running",
      attempt: entry.attempt,
      inputs: entry.inputs,
      error: undefined,
      endedMs: undefined,
      attempts: this.#attempts.begun(known.attempts, entry.attempt, this.#nowMs),
    });
    this.#edges.fed(entry.node, entry.scope, consumer, round, entry.inputs);
  }

  #hear(news: News): void {
    const { node, scope, state } = news;
    const key = activationKey(node, scope);
    this.#enter(scope);
    const activation = this.#activation(node, scope);
    const known = this.#frames.get(key) ?? unreached(key, node, scope, undefined, activation?.startedAt || this.#nowMs);
    if (SETTLED.has(known.state) && known.waitsFor !== "operator") return;
    const inputs = news.inputs ?? known.inputs;
    const frame = {
      ...known,
      attempt: news.attempt,
      inputs,
      error: news.error,
      waitsFor: undefined,
      endedMs: undefined,
    };
    if (inputs && inputs !== known.inputs) this.#edges.fed(node, scope, undefined, "", inputs);
    switch (state) {
      case "running":
        this.#attempts.expect(executionId(this.#run.id, node, scope, news.attempt), key);
        this.#watched.delete(key);
        return this.#put({
          ...frame,
          state,
          attempts: this.#attempts.begun(known.attempts, news.attempt, this.#nowMs),
        });
      case "retrying":
        this.#watch(scope, node);
        return this.#put({
          ...frame,
          state: "waiting",
          waitsFor: "retry",
          attempts: this.#attempts.closed(known.attempts, "failed", this.#nowMs, news.error),
        });
      case "waiting":
        this.#watch(scope, node);
        return this.#put({ ...frame, state, waitsFor: "event" });
      case "held":
        this.#watch(scope, node);
        return this.#put({ ...frame, state });
      case "failed":
        // Failed for good, but the run waits for somebody to try again.
        if (activation?.state === "incident") {
          this.#watch(scope, node);
          return this.#settle(frame, news, activation, "operator");
        }
    }
    this.#settle(frame, news, activation, undefined);
  }

  #settle(
    frame: ActivationFrame,
    news: News,
    activation: Activation | undefined,
    waitsFor: "operator" | undefined,
  ): void {
    const { key, node, scope } = frame;
    const state = news.state as "completed" | "failed" | "skipped" | "cancelled";
    const ran = state === "completed" || state === "failed";
    const attempts = state === "skipped" ? [] : this.#attempts.closed(frame.attempts, state, this.#nowMs, news.error);
    this.#put({
      ...frame,
      state,
      waitsFor,
      outputs: news.outputs ?? (ran ? frame.outputs : undefined),
      error: news.error ?? (state === "completed" ? activation?.error : undefined),
      endedMs: this.#nowMs,
      workedMs: news.time === undefined ? frame.workedMs : Math.max(0, news.time * 1000),
      attempts: ran && attempts.length === 0 ? this.#attempts.ofMachine(frame, state, this.#nowMs) : attempts,
      reused: scope === "" && this.#run.details.reuse?.results[node] !== undefined,
    });
    this.#dropPulls(key);
    if (waitsFor) return;
    if (state === "completed") this.#edges.gave(node, scope, news.outputs ?? {});
    this.#iterate(key, activation);
    this.#open.delete(key);
    this.#watched.delete(key);
    for (const target of this.#edges.settled(node, scope, state, activation)) this.#watch(scope, target);
  }

  /** What a settled consumer did not wait for any more. */
  #dropPulls(consumer: string): void {
    for (const key of this.#pulls.get(consumer) ?? []) {
      const frame = this.#frames.get(key);
      if (!frame) continue;
      const attempts = this.#attempts.closed(frame.attempts, "cancelled", this.#nowMs, undefined);
      this.#put({ ...frame, state: "cancelled", endedMs: this.#nowMs, attempts });
    }
    this.#pulls.delete(consumer);
  }

  /** Moves that are not announced: reached, begins to loop, was tried again. */
  #look(key: string): void {
    const activation = this.#open.get(key);
    if (!activation) return void this.#watched.delete(key);
    const { node, scope, state, pending, taken, waitsFor, startedAt, inputs } = activation;
    const known = this.#frames.get(key);
    if (state === "cancelled" || state === "skipped" || state === "completed" || state === "failed") {
      // Nothing had reached it when its scope was left.
      this.#open.delete(key);
      this.#watched.delete(key);
      return;
    }
    if (state === "backing_off" || state === "sleeping" || state === "incident" || state === "held") return;
    const frame = known ?? unreached(key, node, scope, undefined, startedAt || this.#nowMs);
    if (activation.loop) {
      if (known?.state !== "running") {
        const attempts = this.#attempts.begun(frame.attempts, 1, startedAt);
        this.#put({ ...frame, state: "running", waitsFor: undefined, attempt: 1, inputs: inputs ?? {}, attempts });
        this.#edges.fed(node, scope, undefined, "", inputs ?? {});
      }
      this.#iterate(key, activation);
    } else if (state === "waiting" || state === "gathering" || (state === "idle" && pending === 0 && taken > 0)) {
      const why = waitsFor > 0 ? "inputs" : undefined;
      if (known?.state === "ready" && known.waitsFor === why) return;
      this.#put({ ...frame, state: "ready", waitsFor: why });
    }
  }

  /** Edges into the iterations that a loop has opened since. */
  #iterate(key: string, activation: Activation | undefined): void {
    const next = activation?.loop?.next ?? 0;
    if (!activation || next === 0) return;
    for (let index = this.#iterations.get(key) ?? 0; index < next; index++) {
      this.#enter(iterationScope(activation.scope, activation.node, index));
    }
    this.#iterations.set(key, next);
  }

  /** An iteration is seen for the first time; it may be gone again by now. */
  #enter(scope: string): void {
    if (this.#opened.has(scope)) return;
    this.#opened.add(scope);
    const loop = iterationOf(scope)?.loop ?? "";
    for (const target of this.#edges.opened(loop, scope)) this.#watch(scope, target);
  }

  #watch(scope: string, node: string): void {
    const activation = this.#activation(node, scope);
    const place: Scope | undefined = this.#run.details.scopes.get(scope);
    // A loop's own activation in its body gathers what is collected: no node of the flow.
    if (!activation || place?.region === node) return;
    const known = this.#frames.get(activationKey(node, scope));
    if (known && SETTLED.has(known.state) && known.waitsFor !== "operator") return;
    this.#open.set(activationKey(node, scope), activation);
    this.#watched.add(activationKey(node, scope));
  }

  #activation(node: string, scope: string): Activation | undefined {
    const key = activationKey(node, scope);
    const known = this.#open.get(key);
    if (known) return known;
    const found = this.#run.details.scopes.get(scope)?.activations.get(node);
    if (found) this.#open.set(key, found);
    return found;
  }

  #put(frame: ActivationFrame): void {
    if (!this.#before.has(frame.key)) this.#before.set(frame.key, this.#frames.get(frame.key));
    this.#frames.set(frame.key, frame);
  }
}
