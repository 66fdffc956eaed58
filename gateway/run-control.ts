/**
 * Changes runs that are there: each action is one message in the run's log, or, for a run that has ended, a submission
 * that takes its results over.
 *
 * C1. An action on a run that is not there or has ended is refused. One that is overtaken by the run's end does nothing.
 * C2. A signal is taken once, however often it is sent under its id. So is a step.
 */
import { randomUUID } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { findUnsafe, type RunEvent, type RunMessage, WIRE_VERSION } from "../nats/index.ts";
import { breakpointError } from "../orchestrator/index.ts";
import { waitsOf } from "./describe-run.ts";
import { submitRun } from "./run-client.ts";
import { notFound, type RunDirectory } from "./run-directory.ts";

export type ControlAction = "cancel" | "terminate" | "pause" | "resume" | "retry" | "breakpoints" | "step" | "continue";

/** An action that is in the run's log. */
export interface ControlReceipt {
  readonly run_id: string;
  readonly action: ControlAction | "signal";
  /** Sequence in the log. */
  readonly seq: number;
}

export interface SignalReceipt extends ControlReceipt {
  readonly signal: string;
  /** Under which it may be sent again. */
  readonly id: string;
}

export interface BreakpointsReceipt extends ControlReceipt {
  /** All that there are from now on. */
  readonly nodes: readonly string[];
}

/** A new run that goes on from an ended one. */
export interface RerunReceipt {
  readonly run_id: string;
  readonly action: "rerun";
  readonly rerun_of: string;
  /** Where it begins anew; null: with what failed or never ran. */
  readonly from: string | null;
}

export interface SignalRequest {
  readonly name: string;
  /** Any JSON. Default null. */
  readonly payload?: unknown;
  /** Given twice, it is one signal. Default: a new one. */
  readonly id?: string;
}

export interface RerunRequest {
  /** The node to begin with. Default: with what failed or never ran. */
  readonly from?: string;
  /** Replace inputs of that node; of START, inputs of the run. */
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** How long an orchestrator may take to say that it has the submission, ms. */
const ACCEPT_TIMEOUT_MS = 10_000;

export class RunControl {
  readonly #nc: NatsConnection;
  readonly #directory: RunDirectory;

  constructor(nc: NatsConnection, directory: RunDirectory) {
    this.#nc = nc;
    this.#directory = directory;
  }

  /** Asks running node code to stop, then ends the run. @throws RunNotFound, RunEnded */
  cancel(id: string, reason?: string): Promise<ControlReceipt> {
    return this.#control(id, "cancel", reason === undefined ? {} : { reason });
  }

  /** Ends the run at once, whatever its nodes are doing. @throws RunNotFound, RunEnded */
  terminate(id: string, reason?: string): Promise<ControlReceipt> {
    return this.#control(id, "terminate", reason === undefined ? {} : { reason });
  }

  /** No node starts any more until `resume`; what runs goes on. @throws RunNotFound, RunEnded */
  pause(id: string): Promise<ControlReceipt> {
    return this.#control(id, "pause", {});
  }

  /** @throws RunNotFound, RunEnded */
  resume(id: string): Promise<ControlReceipt> {
    return this.#control(id, "resume", {});
  }

  /**
   * Holds the run at these nodes, and at no others, from now on; what is held stays held.
   * @throws RunNotFound, RunEnded, InvalidBreakpoint
   */
  async breakpoints(id: string, nodes: readonly string[]): Promise<BreakpointsReceipt> {
    await this.#requireLive(id);
    const { run } = (await this.#directory.current(id)) ?? {};
    if (!run) throw notFound(id);
    const error = breakpointError(run.details.graph, nodes);
    if (error) throw new RayflowError(error.code, error.message, error.node_id ? { nodeId: error.node_id } : {});
    const unique = [...new Set(nodes)];
    return { ...(await this.#append(id, "breakpoints", { nodes: unique })), nodes: unique };
  }

  /**
   * Sends what is held, and holds whatever becomes ready next; in a run that goes on or is paused, holds that.
   * @throws RunNotFound, RunEnded
   */
  step(id: string): Promise<ControlReceipt> {
    return this.#control(id, "step", {});
  }

  /** Sends what is held; the run goes on to the next breakpoint. @throws RunNotFound, RunEnded */
  continue(id: string): Promise<ControlReceipt> {
    return this.#control(id, "continue", {});
  }

  /**
   * Tries failed nodes again: in a run that paused over them, or, when it has failed or was cancelled, in a new run.
   * @throws RunNotFound, RunEnded when it has succeeded, NothingToRetry
   */
  async retry(id: string, options: { readonly node?: string } = {}): Promise<ControlReceipt | RerunReceipt> {
    const { node } = options;
    const ended = await this.#directory.result(id);
    if (ended?.success) throw runEnded(id, ended.status);
    if (ended) return this.rerun(id, node === undefined ? {} : { from: node });
    const folder = await this.#directory.current(id);
    if (!folder?.run) throw notFound(id);
    const incidents = waitsOf(folder.run, Number.POSITIVE_INFINITY).filter(({ kind }) => kind === "incident");
    const nodes = new Set(incidents.flatMap((wait) => ("node" in wait ? [wait.node] : [])));
    if (nodes.size === 0) throw new RayflowError("NothingToRetry", `no node of run ${id} has failed and waits`);
    if (node !== undefined && !nodes.has(node)) {
      const message = `node ${node} of run ${id} does not wait for a retry; these do: ${[...nodes].join(", ")}`;
      throw new RayflowError("NothingToRetry", message);
    }
    return this.#append(id, "retry", node === undefined ? {} : { node });
  }

  /**
   * Starts a new run of an ended run's flow that takes over what it had before a node.
   * @throws RunNotFound, ValidationError when it goes on or has no such node, RunTimeout when no orchestrator answers
   */
  async rerun(id: string, request: RerunRequest = {}): Promise<RerunReceipt> {
    const { from, inputs } = request;
    const ended = await this.#directory.result(id);
    if (!ended) {
      const message = `run ${id} goes on; only a run that has ended can be run again from one of its nodes`;
      throw new RayflowError("ValidationError", message);
    }
    const rerun = { run: id, ...(from === undefined ? {} : { from }), ...(inputs === undefined ? {} : { inputs }) };
    let accepted: (event: RunEvent) => void = () => {};
    const taken = new Promise<RunEvent>((resolve) => {
      accepted = resolve;
    });
    const onEvent = (event: RunEvent): void => {
      if (event.kind !== "refused") accepted(event);
    };
    const submitted = await submitRun(this.#nc, { rerun }, { onEvent, timeoutMs: ACCEPT_TIMEOUT_MS });
    try {
      // A refusal rejects the result; an end that comes first says the same as an acceptance.
      await Promise.race([taken, submitted.result]);
    } finally {
      submitted.abandon();
    }
    return { run_id: submitted.runId, action: "rerun", rerun_of: id, from: from ?? null };
  }

  /** Hands a signal to the run; kept until a node waits for it. @throws RunNotFound, RunEnded, ValidationError */
  async signal(id: string, { name, payload = null, id: given }: SignalRequest): Promise<SignalReceipt> {
    const unsafe = findUnsafe(payload);
    if (unsafe !== undefined) throw new RayflowError("ValidationError", `the payload is not fit to travel: ${unsafe}`);
    const signalId = given ?? randomUUID();
    await this.#requireLive(id);
    const message: RunMessage = { v: WIRE_VERSION, kind: "signal", run: id, signal: name, payload, id: signalId };
    const seq = await this.#directory.log.append(message, { msgId: `${id}:signal:${signalId}` });
    return { run_id: id, action: "signal", seq, signal: name, id: signalId };
  }

  async #control(id: string, action: ControlAction, more: { readonly reason?: string }): Promise<ControlReceipt> {
    await this.#requireLive(id);
    return this.#append(id, action, more);
  }

  async #append(
    id: string,
    action: ControlAction,
    more: { readonly reason?: string; readonly node?: string; readonly nodes?: string[] },
  ): Promise<ControlReceipt> {
    // To be ended once is enough; a pause may follow a pause. A step must not be taken twice, whatever the log forgets.
    const once = action === "cancel" || action === "terminate";
    const commandId = randomUUID();
    const debugs = action === "step" || action === "continue" || action === "breakpoints";
    const own = debugs ? { id: commandId } : {};
    const message: RunMessage = { v: WIRE_VERSION, kind: "control", run: id, action, ...own, ...more };
    const msgId = once ? `${id}:${action}` : `${id}:${action}:${commandId}`;
    const seq = await this.#directory.log.append(message, { msgId });
    return { run_id: id, action, seq };
  }

  async #requireLive(id: string): Promise<void> {
    const ended = await this.#directory.result(id);
    if (ended) throw runEnded(id, ended.status);
  }
}

function runEnded(id: string, status: string): RayflowError {
  return new RayflowError("RunEnded", `run ${id} has ended: ${status}`, { details: { run_id: id, status } });
}
