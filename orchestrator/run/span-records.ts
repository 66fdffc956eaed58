/**
 * What a traced run notes down while it is folded: each stretch of its life that has come to an end, with the log's own
 * times. The notes lie in the run's state (and its snapshot) until they are taken away, so they follow from the log like
 * all else: who folds it again notes the same.
 *
 * T1. A run that is not traced has no list, and notes nothing.
 * T2. A stretch is noted once, when it ends; what it says depends on the log alone, not on when notes are taken away.
 */
import type { ErrorInfo } from "../../flow/index.ts";
import type { NodeResult, RunResult } from "../../nats/messages.ts";
import { isCollector } from "./data-gatherer.ts";
import type { Activation, InFlight, Outcome, RunState, Scope } from "./run-state.ts";

export type SpanRecord = NodeRecord | SendRecord | IterationRecord | RunRecord;

/** An activation, from the moment it was ready to its end. */
export interface NodeRecord {
  readonly of: "node";
  readonly node: string;
  readonly scope: string;
  readonly start: number;
  readonly end: number;
  readonly state: "completed" | "failed" | "cancelled";
  readonly attempts: number;
  /** The exec outputs that it took. */
  readonly pins: readonly string[];
  readonly error?: NotedError;
  /** Iterations of a loop. */
  readonly iterations?: number;
  /** It ran in an earlier run: this one took over what it gave. */
  readonly reused?: true;
}

/** An execution: one attempt of an activation, or one evaluation of a pure node, from being sent to its answer. */
export interface SendRecord {
  readonly of: "send";
  readonly id: string;
  readonly node: string;
  /** The activation for which a pure node was evaluated. */
  readonly consumer?: string;
  readonly scope: string;
  readonly attempt: number;
  readonly start: number;
  readonly end: number;
  /** `dropped`: nobody waited for its answer any more. */
  readonly state: "ok" | "error" | "dropped";
  readonly error?: NotedError;
  readonly cached?: true;
}

/** One iteration of a loop. */
export interface IterationRecord {
  readonly of: "iteration";
  readonly scope: string;
  readonly start: number;
  readonly end: number;
  /** `cut`: what of it had not settled was cancelled. */
  readonly state: "ended" | "cut";
  readonly skipped: readonly string[];
}

/** The run itself. */
export interface RunRecord {
  readonly of: "run";
  readonly end: number;
  readonly status: RunResult["status"];
  readonly returned?: string;
  readonly error?: NotedError;
  readonly executed: number;
  readonly failed: number;
  readonly skippedCount: number;
  readonly skipped: readonly string[];
}

export type NotedError = Pick<ErrorInfo, "code" | "message">;

/** More skipped nodes than this are counted, not listed. */
const MAX_SKIPPED = 100;
/** Longest error message, in UTF-16 units. */
const MAX_MESSAGE = 2_000;

/** An activation has come to rest. */
export function noteNode(run: RunState, activation: Activation): void {
  const { state } = activation;
  if (!run.spans || (state !== "completed" && state !== "failed" && state !== "cancelled")) return;
  if (isCollector(run, activation)) return;
  const { node, scope, startedAt, attempt, pins, error, loop } = activation;
  run.spans.push({
    of: "node",
    node,
    scope,
    start: startedAt,
    end: run.now,
    state,
    attempts: attempt,
    pins,
    ...(error === undefined ? {} : { error: noted(error) }),
    ...(loop === undefined ? {} : { iterations: loop.next }),
    ...(scope === "" && run.reuse?.results[node] ? { reused: true } : {}),
  });
}

/** An execution was answered, or is waited for no more (no answer). */
export function noteSend(run: RunState, id: string, pending: InFlight, answer: SendAnswer | undefined): void {
  if (!run.spans) return;
  const { scope, node, pure, at } = pending;
  const activation = run.scopes.get(scope)?.activations.get(node);
  const attempt = pure === undefined ? activation?.attempt : activation?.pulls.get(pure)?.attempt;
  run.spans.push({
    of: "send",
    id,
    node: pure ?? node,
    ...(pure === undefined ? {} : { consumer: node }),
    scope,
    attempt: attempt ?? 1,
    start: at ?? activation?.startedAt ?? run.submittedAt,
    end: run.now,
    state: answer === undefined ? "dropped" : answer.error === undefined ? "ok" : "error",
    ...(answer?.error === undefined ? {} : { error: noted(answer.error) }),
    ...(answer?.cached ? { cached: true } : {}),
  });
}

export type SendAnswer = { readonly [K in "error" | "cached"]?: NodeResult[K] | undefined };

/** The scope of an iteration closes. */
export function noteIteration(run: RunState, scope: Scope): void {
  if (!run.spans || scope.parent === undefined) return;
  run.spans.push({
    of: "iteration",
    scope: scope.path,
    start: scope.openedAt ?? run.submittedAt,
    end: run.now,
    state: scope.closing ? "cut" : "ended",
    skipped: skippedIn(scope),
  });
}

/** The run has ended; `outcome` in place of its own, when it could not be folded to its end. */
export function noteRun(run: RunState, outcome: Outcome | undefined = run.outcome): void {
  if (!run.spans) return;
  const root = run.scopes.get("");
  const { executed, failed, skipped } = run.statistics;
  run.spans.push({
    of: "run",
    end: run.now,
    status: outcome?.status ?? "failed",
    ...(outcome?.status === "succeeded" ? { returned: outcome.returned } : {}),
    ...(outcome && outcome.status !== "succeeded" ? { error: noted(outcome.error) } : {}),
    executed,
    failed,
    skippedCount: skipped,
    skipped: root ? skippedIn(root) : [],
  });
}

function skippedIn(scope: Scope): string[] {
  const skipped: string[] = [];
  for (const { node, state } of scope.activations.values()) {
    if (state === "skipped" && skipped.push(node) === MAX_SKIPPED) break;
  }
  return skipped;
}

function noted({ code, message }: ErrorInfo): NotedError {
  return { code, message: message.slice(0, MAX_MESSAGE) };
}
