/**
 * Child runs of control_subflow. A child is a run like any other, in a partition of its own id; it knows which
 * activation waits for it and reports its end there. It is put into the log directly, not through the submissions:
 * what claims to be a child would otherwise be able to answer for one.
 */
import { type ErrorInfo, type Limits, limitError, limitsOf, limitsToCarry, RayflowError } from "../flow/index.ts";
import {
  failedResult,
  type RunMessage,
  type RunResult,
  runIdOf,
  type SubmittedMessage,
  WIRE_VERSION,
} from "../nats/index.ts";
import type { FlowAndTypes, RunLog } from "../store/index.ts";
import type { RunnableFlow } from "./flow-checks.ts";
import type { Refusal } from "./refusal.ts";
import type { Command } from "./run/commands.ts";

export interface ChildrenOptions {
  readonly log: Pick<RunLog, "append" | "finishedResult">;
  /** Stores a flow and its types for many runs; gives the hash. */
  readonly keep: (flow: FlowAndTypes) => Promise<string | undefined>;
  /** Puts aside what is too large for a message. @throws PayloadTooLarge */
  readonly fit: (message: SubmittedMessage) => Promise<SubmittedMessage>;
  /** The flow that a subflow names (`name` or `name@version`) or holds, checked. */
  readonly check: (wanted: unknown) => Promise<RunnableFlow | Refusal>;
  /** What goes with each run. Default: the defaults. */
  readonly limits?: Limits;
  /** Whether there is room for another run: a child that waited for it would hold up its parent, so it fails. Default: always. */
  readonly hasRoom?: () => boolean;
}

export class Children {
  readonly #options: ChildrenOptions;
  /** Starts that are under way, by execution. */
  readonly #starting = new Map<string, Promise<void>>();

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** Starts the child of an execution, once: its id follows from the execution's. */
  start(command: Extract<Command, { type: "startChild" }>): Promise<void> {
    const starting = this.#start(command);
    // A cancel that overtook the start would find no run to cancel.
    const settled = starting.then(ignore, ignore).then(() => {
      if (this.#starting.get(command.id) === settled) this.#starting.delete(command.id);
    });
    this.#starting.set(command.id, settled);
    return starting;
  }

  async #start(command: Extract<Command, { type: "startChild" }>): Promise<void> {
    const { log } = this.#options;
    const { parent } = command;
    const run = runIdOf(command.id);
    // After a recovery the child may have ended long ago, and its word may have been lost on the way.
    const ended = await log.finishedResult(run);
    if (ended) return this.#report(parent, ended);
    const { limits = limitsOf(), hasRoom = () => true } = this.#options;
    if (!hasRoom()) {
      const error = limitError("active_runs", limits.active_runs, "no child run was started");
      return this.#report(parent, failedResult(run, error));
    }
    const checked = await this.#options.check(command.flow);
    if ("error" in checked) return this.#report(parent, failedResult(run, refused(checked)));
    const { flow, types, shared } = checked;
    const blueprint = shared ? await this.#options.keep(checked) : undefined;
    const carried = limitsToCarry(limits);
    const message: SubmittedMessage = {
      v: WIRE_VERSION,
      kind: "submitted",
      run,
      flow,
      types,
      inputs: { ...command.inputs },
      options: {},
      ...(blueprint === undefined ? {} : { blueprint }),
      ...(command.traceparent === undefined ? {} : { traceparent: command.traceparent }),
      ...(command.traceparent === undefined || command.tracestate === undefined
        ? {}
        : { tracestate: command.tracestate }),
      parent,
      ...(carried === undefined ? {} : { limits: { ...carried } }),
    };
    try {
      await log.append(await this.#options.fit(message), { msgId: `${run}:submitted` });
    } catch (error) {
      if (!(error instanceof RayflowError) || error.retryable) throw error;
      await this.#report(parent, failedResult(run, error.toInfo()));
    }
  }

  /** Cancels the child of an execution. */
  async stop(execution: string): Promise<void> {
    await this.#starting.get(execution);
    const run = runIdOf(execution);
    const message: RunMessage = {
      v: WIRE_VERSION,
      kind: "control",
      run,
      action: "cancel",
      reason: "the run that waits for it was cancelled or has ended",
    };
    await this.#options.log.append(message, { msgId: `${execution}:stop` });
  }

  async #report(parent: { run: string; execution: string }, result: RunResult): Promise<void> {
    const { run, execution } = parent;
    const message: RunMessage = { v: WIRE_VERSION, kind: "child", run, execution, result };
    await this.#options.log.append(message, { msgId: `${execution}:child` });
  }
}

function refused({ error, errors }: Refusal): ErrorInfo {
  if (errors === undefined) return error;
  const first = errors[0] as { message?: string } | undefined;
  const message = `the subflow has ${errors.length} errors: ${first?.message ?? "it cannot be read"}`;
  return { ...error, message, details: { errors } };
}

function ignore(): void {}
