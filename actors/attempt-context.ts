/** `ctx`: what node code sees of its attempt. */
import type { Tracer } from "@opentelemetry/api";
import type { Logger } from "pino";
import { RayflowError } from "../flow/index.ts";
import { type DispatchEntry, encodeMessage, isPublishable } from "../nats/index.ts";
import type { Variables } from "../store/index.ts";
import { noopTracer, type OpenSpan } from "../telemetry/index.ts";
import type { NodeContext, NodeLog, NodeResources, Published } from "./node-definition.ts";

/** What the context needs of the attempt behind it. */
export interface AttemptView {
  readonly entry: DispatchEntry;
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Undefined: it is not traced. */
  readonly span: Pick<OpenSpan, "tracer"> | undefined;
  readonly options: {
    readonly logger: Logger;
    readonly variables: (entry: DispatchEntry) => Variables;
    readonly resources: NodeResources;
  };
  beat(): void;
}

/** What node code gets as `ctx`; what is costly is made at first use. */
export class AttemptContext implements NodeContext {
  readonly #attempt: AttemptView;
  #log: NodeLog | undefined;
  #variables: Variables | undefined;

  constructor(attempt: AttemptView) {
    this.#attempt = attempt;
  }

  get runId(): string {
    return this.#attempt.entry.run;
  }
  get flow(): string {
    return this.#attempt.entry.flow;
  }
  get nodeId(): string {
    return this.#attempt.entry.node;
  }
  get scope(): string {
    return this.#attempt.entry.scope;
  }
  get attempt(): number {
    return this.#attempt.entry.attempt;
  }
  get idempotencyKey(): string {
    return this.#attempt.entry.idempotency_key;
  }
  get deadline(): number {
    return this.#attempt.deadline;
  }
  get signal(): AbortSignal {
    return this.#attempt.signal;
  }
  get resources(): NodeResources {
    return this.#attempt.options.resources;
  }
  get tracer(): Tracer {
    return this.#attempt.span?.tracer ?? noopTracer;
  }
  get log(): NodeLog {
    this.#log ??= nodeLog(this.#attempt.options.logger, this.#attempt.entry);
    return this.#log;
  }
  get variables(): Variables {
    this.#variables ??= this.#attempt.options.variables(this.#attempt.entry);
    return this.#variables;
  }
  /** An own property, so that it works without its object too (`const {heartbeat} = ctx`). */
  readonly heartbeat = (): void => this.#attempt.beat();

  async publish(subject: string, data: unknown, { id }: { readonly id?: string } = {}): Promise<Published> {
    if (!isPublishable(subject)) {
      const message = `not a subject that a node may publish to (no wildcards, not rayflow.>, not $…): ${subject}`;
      throw new RayflowError("SubjectNotAllowed", message, { retryable: false });
    }
    const { publish, publishStored } = this.resources;
    const payload = encodeMessage(data);
    if (id !== undefined) return publishStored(subject, payload, id);
    publish(subject, payload);
    return { stored: false, duplicate: false };
  }
}

/** How the lines of a log name an attempt. */
export function attemptFields({ run, flow, node, scope, attempt, traceparent }: DispatchEntry): object {
  const fields = { run_id: run, flow, node_id: node, scope, attempt };
  // `00-<trace id>-<span id>-<flags>`, as the orchestrator wrote it.
  return traceparent === undefined ? fields : { ...fields, trace_id: traceparent.slice(3, 35) };
}

function nodeLog(logger: Logger, entry: DispatchEntry): NodeLog {
  const child = logger.child(attemptFields(entry));
  return {
    debug: (message, fields) => child.debug(fields ?? {}, message),
    info: (message, fields) => child.info(fields ?? {}, message),
    warn: (message, fields) => child.warn(fields ?? {}, message),
    error: (message, fields) => child.error(fields ?? {}, message),
  };
}
