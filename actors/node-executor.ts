/**
 * NodeExecutor runs one dispatch entry and says what came of it.
 *
 * It owns the attempt: its clock, its abort signal and what node code sees as `ctx`. It knows nothing of messages,
 * queues and delivery.
 *
 * X1. `execute` never throws and never rejects: every failure is a result.
 * X2. An attempt settles once. What its code does later, return or throw, is logged and dropped.
 * X3. An attempt settles when its time is over or it is aborted, even when its code ignores the signal. Only code
 *     that blocks the event loop escapes; the actor manager kills such a process.
 * X4. A result fits one message.
 */
import type { Logger } from "pino";
import { type ErrorInfo, RayflowError, toErrorInfo } from "../flow/index.ts";
import type { DispatchEntry, SentResult } from "../nats/index.ts";
import type { Variables } from "../store/index.ts";
import type { OpenSpan, Tracing } from "../telemetry/index.ts";
import { AttemptContext, type AttemptView, attemptFields } from "./attempt-context.ts";
import { endAttemptSpan, openAttemptSpan } from "./attempt-span.ts";
import type { NodeDefinition, NodeOutcome, NodeResources } from "./node-definition.ts";
import type { Perform } from "./perform.ts";
import { type SealedResult, sealResult } from "./sealed-result.ts";

/** setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface NodeExecutorOptions {
  /** Who ran it, in every result. */
  readonly actor: string;
  readonly logger: Logger;
  /** The variables as one activation sees them; called when node code first asks for them. */
  readonly variables: (entry: DispatchEntry) => Variables;
  readonly resources: NodeResources;
  /** What one result may take, bytes; asked each time, because another server may allow another size. */
  readonly maxResultBytes: () => number;
  /** What goes on around node code: large values, the cache. Default: nothing. */
  readonly perform?: Perform;
  /** Where the spans of traced entries go. Default: there are none. */
  readonly tracing?: Pick<Tracing, "open"> | undefined;
}

const performAlone: Perform = (execute, _nodeType, entry, ctx) => execute(entry.inputs, entry.config, ctx);

export class NodeExecutor {
  readonly #options: NodeExecutorOptions;
  readonly #running = new Set<Attempt>();

  constructor(options: NodeExecutorOptions) {
    this.#options = options;
  }

  /** Attempts that have started and not settled. */
  get running(): number {
    return this.#running.size;
  }

  /** Runs one attempt to its end. Never rejects. `storedAt`: when the queue had it, ms since 1970. */
  execute(entry: DispatchEntry, definition: NodeDefinition, storedAt?: number): Promise<SealedResult> {
    const { tracing, actor } = this.#options;
    const { nodeType } = definition;
    const span =
      tracing !== undefined && entry.traceparent !== undefined
        ? openAttemptSpan(tracing, { entry, nodeType, actor, storedAt })
        : undefined;
    return new Promise((resolve) => {
      const attempt = new Attempt(entry, this.#options, span, (result) => {
        this.#running.delete(attempt);
        if (span) endAttemptSpan(span, result);
        resolve(sealResult(result, this.#options.maxResultBytes()));
      });
      this.#running.add(attempt);
      attempt.start(definition);
    });
  }

  /** The result of an entry that is not run at all. */
  refuse(entry: DispatchEntry, error: RayflowError): SealedResult {
    const result = failure(entry, error.toInfo(), this.#options.actor, Date.now(), 0);
    return sealResult(result, this.#options.maxResultBytes());
  }

  /** Aborts what runs of these entries; each settles with this error. Gives how many. */
  abort(error: RayflowError, which: (entry: DispatchEntry) => boolean): number {
    const aborted = [...this.#running].filter((attempt) => which(attempt.entry));
    for (const attempt of aborted) attempt.fail(error);
    return aborted.length;
  }
}

class Attempt implements AttemptView {
  readonly entry: DispatchEntry;
  readonly options: NodeExecutorOptions;
  readonly span: OpenSpan | undefined;
  readonly startedAt = Date.now();
  readonly deadline: number;
  readonly #settled: (result: SentResult) => void;
  readonly #began = performance.now();
  /** On the monotonic clock: when the attempt's time is over. */
  readonly #endsAt: number;
  #lastBeat: number;
  #done = false;
  #timer: NodeJS.Timeout | undefined;
  #abort: AbortController | undefined;
  #reason: RayflowError | undefined;

  constructor(
    entry: DispatchEntry,
    options: NodeExecutorOptions,
    span: OpenSpan | undefined,
    settled: (result: SentResult) => void,
  ) {
    this.entry = entry;
    this.options = options;
    this.span = span;
    this.#settled = settled;
    this.deadline = Math.min(this.startedAt + entry.timeout_ms, entry.deadline ?? Number.POSITIVE_INFINITY);
    this.#endsAt = this.#began + (this.deadline - this.startedAt);
    this.#lastBeat = this.#began;
  }

  start(definition: NodeDefinition): void {
    if (definition.execute === undefined) {
      const type = definition.nodeType.type;
      this.fail(new RayflowError("NodeLoadError", `${type} is run by the orchestrator: it has no code`));
      return;
    }
    if (this.deadline <= this.startedAt) {
      this.fail(this.#outOfTime());
      return;
    }
    this.#arm(this.#began);
    const { execute, nodeType } = definition;
    const { perform = performAlone } = this.options;
    const ctx = new AttemptContext(this);
    try {
      // Whatever the code calls finds the attempt's span as the active one.
      const outcome = this.span
        ? this.span.within(() => perform(execute, nodeType, this.entry, ctx))
        : perform(execute, nodeType, this.entry, ctx);
      outcome.then(
        (outcome) => this.#complete(outcome),
        (thrown: unknown) => this.#threw(thrown),
      );
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  /** Ends the attempt from outside: aborts its code and settles without waiting for it. */
  fail(error: RayflowError): void {
    if (this.#done) return;
    this.#reason = error;
    this.#settle(this.#failure(error.toInfo()));
    // After settling, so that what an abort listener throws or returns comes late and changes nothing.
    this.#abort?.abort(error);
  }

  beat(): void {
    this.#lastBeat = performance.now();
  }

  /** Made at first use: most nodes never ask, and a signal costs more than all the rest of an attempt. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#reason && !this.#abort.signal.aborted) this.#abort.abort(this.#reason);
    return this.#abort.signal;
  }

  #complete(outcome: NodeOutcome): void {
    if (this.#done) {
      this.#late("returned");
      return;
    }
    if (typeof outcome !== "object" || outcome === null) {
      this.#threw(new RayflowError("ValidationError", "the node gave no outcome: define it with defineNode()"));
      return;
    }
    const { id, run, token } = this.entry;
    this.#settle({
      id,
      run,
      token,
      status: "ok",
      outputs: outcome.outputs ?? {},
      ...(outcome.exec === undefined ? {} : { exec: [...outcome.exec] }),
      ...(outcome.cached ? { cached: true } : {}),
      started_at: this.startedAt,
      duration_ms: this.#elapsed(),
      actor: this.options.actor,
    });
  }

  #threw(thrown: unknown): void {
    if (this.#done) {
      this.#late("threw", thrown);
      return;
    }
    this.#settle(this.#failure(toErrorInfo(thrown)));
  }

  #failure(error: ErrorInfo): SentResult {
    return failure(this.entry, error, this.options.actor, this.startedAt, this.#elapsed());
  }

  #settle(result: SentResult): void {
    this.#done = true;
    clearTimeout(this.#timer);
    this.#settled(result);
  }

  /** One timer for the end of the attempt and for its heartbeat, whichever is due first. */
  #arm(now: number): void {
    const silent = this.entry.heartbeat_ms;
    const due = silent === undefined ? this.#endsAt : Math.min(this.#endsAt, this.#lastBeat + silent);
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.ceil(due - now), MAX_TIMER_MS));
  }

  #check(): void {
    const now = performance.now();
    const silent = this.entry.heartbeat_ms;
    if (now >= this.#endsAt) this.fail(this.#outOfTime());
    else if (silent !== undefined && now >= this.#lastBeat + silent) this.fail(heartbeatMissed(silent));
    else this.#arm(now);
  }

  #outOfTime(): RayflowError {
    const { timeout_ms, deadline } = this.entry;
    // No further attempt can end in time either.
    if (deadline !== undefined && deadline <= this.startedAt + timeout_ms) {
      return new RayflowError("NodeTimeout", "not finished at the deadline of all attempts (policy.deadline)", {
        retryable: false,
        details: { deadline },
      });
    }
    return new RayflowError("NodeTimeout", `not finished after ${timeout_ms} ms (policy.timeout)`, {
      details: { timeout_ms },
    });
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#began) * 1_000) / 1_000;
  }

  #late(what: "returned" | "threw", thrown?: unknown): void {
    const fields = { ...attemptFields(this.entry), execution: this.entry.id, after_ms: this.#elapsed() };
    const error = thrown === undefined ? {} : { error: toErrorInfo(thrown) };
    this.options.logger.warn(
      { ...fields, ...error },
      `the node ${what} after ${this.#reason?.code ?? "its end"}: dropped`,
    );
  }
}

function heartbeatMissed(silent: number): RayflowError {
  return new RayflowError("NodeTimeout", `no ctx.heartbeat() for ${silent} ms (policy.heartbeat)`, {
    details: { heartbeat_ms: silent },
  });
}

function failure(
  entry: DispatchEntry,
  error: ErrorInfo,
  actor: string,
  startedAt: number,
  duration: number,
): SentResult {
  return {
    id: entry.id,
    run: entry.run,
    token: entry.token,
    status: "error",
    error: { node_id: entry.node, ...error },
    started_at: startedAt,
    duration_ms: duration,
    actor,
  };
}
