/**
 * ActorManager starts actor processes on this machine and keeps them running.
 *
 * M1. A process that ends without being told to is started again, later after each failure, for as long as the
 *     manager runs; only the first start of all may fail the caller.
 * M2. A process whose event loop stands still is killed, and so started again.
 * M3. After `stop`, or when this process exits, none of its processes is left.
 */
import type { Writable } from "node:stream";
import type { Logger } from "pino";
import { RayflowError } from "../flow/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { ActorChild, type ActorExit, describeExit } from "./actor-child.ts";
import { Interrupts } from "./interrupts.ts";
import { JoinedMetrics } from "./joined-metrics.ts";

export type ActorManagerEvent =
  | { readonly kind: "ready"; readonly group: string; readonly pid: number; readonly types: readonly string[] }
  | { readonly kind: "exited"; readonly group: string; readonly exit: ActorExit; readonly restartInMs: number }
  | { readonly kind: "stuck"; readonly group: string; readonly pid: number; readonly silentMs: number };

export interface ActorManagerOptions {
  /** Program and arguments of one actor process that serves all types. */
  readonly command: readonly string[];
  /** One process per group of types; `all`: one process for all of them. `perType` makes one group per type. */
  readonly groups: readonly (readonly string[])[] | "all";
  /** Arguments that make a process serve one group. Default `--types a,b`. */
  readonly argsFor?: (types: readonly string[]) => readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** What it counts into. Default: nothing is counted. */
  readonly metrics?: Metrics | undefined;
  readonly onEvent?: (event: ActorManagerEvent) => void;
  /** Takes what the processes write. Default stderr. */
  readonly output?: Writable;
  /** Longest time until a process is ready, ms. Default 30 000. */
  readonly startTimeoutMs?: number;
  /** How often a process is asked whether it lives, ms. Default 5 000. */
  readonly pingIntervalMs?: number;
  /** How long a process may say nothing before it is killed, ms. Default 30 000. */
  readonly stuckAfterMs?: number;
  /** Wait before the first restart, ms; doubled after each. Default 250. */
  readonly minBackoffMs?: number;
  /** Default 10 000. */
  readonly maxBackoffMs?: number;
  /** How long a process must have lived for its failures to be forgotten, ms. Default 30 000. */
  readonly stableAfterMs?: number;
}

export interface ActorProcessState {
  readonly group: string;
  readonly types: readonly string[];
  readonly pid: number | undefined;
  readonly restarts: number;
}

/** One group and the process that serves it now. */
interface Slot {
  readonly group: string;
  readonly command: readonly string[];
  child: ActorChild | undefined;
  types: readonly string[];
  restarts: number;
  /** It was killed because it stood still. */
  stuck: boolean;
  /** Failures in a row. */
  failures: number;
}

/** More than an actor's own drain. */
const DEFAULT_GRACE_MS = 15_000;

/** One group per type, for `--actor-per-type`. */
export function perType(types: Iterable<string>): string[][] {
  return [...types].map((type) => [type]);
}

export class ActorManager implements AsyncDisposable {
  readonly #options: ActorManagerOptions;
  readonly #slots: Slot[];
  readonly #keepers: Promise<void>[] = [];
  readonly #interrupts = new Interrupts();
  #pings: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: ActorManagerOptions) {
    this.#options = options;
    const { command, groups } = options;
    const argsFor = options.argsFor ?? ((types) => ["--types", types.join(",")]);
    const slot = (group: string, args: readonly string[]): Slot => {
      return {
        group,
        command: [...command, ...args],
        child: undefined,
        types: [],
        restarts: 0,
        stuck: false,
        failures: 0,
      };
    };
    // Once each, so that they are there before anything went wrong.
    for (const reason of ["exited", "stuck"] as const) options.metrics?.counter("rayflow_actor_restarts_total", reason);
    options.metrics?.observe("rayflow_actor_processes", () => {
      const ready = this.#slots.filter(({ child }) => child?.isReady === true).length;
      return [
        [["ready"], ready],
        [["starting"], this.#slots.length - ready],
      ];
    });
    const joined = new JoinedMetrics();
    options.metrics?.join(() => joined.read(this.#slots.flatMap(({ child }) => child ?? [])));
    this.#slots = groups === "all" ? [slot("all", [])] : groups.map((types) => slot(types.join(","), argsFor(types)));
  }

  get processes(): ActorProcessState[] {
    return this.#slots.map(({ group, types, child, restarts }) => ({ group, types, pid: child?.pid, restarts }));
  }

  /**
   * Starts every process; resolves when all are ready.
   * @throws ActorStartFailed when one ends before it is ready; then none is left running
   */
  async start(): Promise<void> {
    process.on("exit", this.#killAll);
    const first = this.#slots.map((slot) => this.#launch(slot));
    try {
      await Promise.all(first.map((child) => child.ready));
    } catch (error) {
      this.#killAll();
      await this.stop(0);
      throw error;
    }
    if (this.#stopping) throw new RayflowError("ActorStartFailed", "stopped while the actor processes were starting");
    for (const slot of this.#slots) this.#keepers.push(this.#keep(slot));
    this.#pings = setInterval(() => this.#checkAll(), this.#options.pingIntervalMs ?? 5_000);
  }

  /** Ends every process: SIGTERM, then SIGKILL after the grace, ms. Default 15 000. */
  async stop(graceMs: number = DEFAULT_GRACE_MS): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#pings);
    this.#interrupts.fire();
    await Promise.all(this.#slots.map(({ child }) => child?.stop(graceMs)));
    await Promise.all(this.#keepers);
    process.off("exit", this.#killAll);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #launch(slot: Slot): ActorChild {
    const child = new ActorChild({
      command: slot.command,
      env: this.#options.env,
      output: this.#options.output ?? process.stderr,
      startTimeoutMs: this.#options.startTimeoutMs ?? 30_000,
    });
    slot.child = child;
    child.ready.then(
      (types) => {
        slot.types = types;
        this.#options.onEvent?.({ kind: "ready", group: slot.group, pid: child.pid ?? 0, types });
      },
      (error: RayflowError) => this.#options.logger.error({ group: slot.group }, error.message),
    );
    return child;
  }

  /** Starts the group's process again whenever it has ended. */
  async #keep(slot: Slot): Promise<void> {
    const { logger, onEvent } = this.#options;
    while (slot.child) {
      const { child, group } = slot;
      const exit = await child.exited;
      if (this.#stopping) return;
      const lived = performance.now() - child.startedAt;
      if (lived >= (this.#options.stableAfterMs ?? 30_000)) slot.failures = 0;
      const restartInMs = this.#backoff(slot.failures++);
      logger.warn(
        { group, pid: child.pid, restart_in_ms: restartInMs },
        `an actor process ended (${describeExit(exit)})`,
      );
      onEvent?.({ kind: "exited", group, exit, restartInMs });
      await this.#interrupts.wait(restartInMs);
      if (this.#stopping) return;
      slot.restarts++;
      this.#options.metrics?.count("rayflow_actor_restarts_total", slot.stuck ? "stuck" : "exited");
      slot.stuck = false;
      this.#launch(slot);
    }
  }

  #backoff(failures: number): number {
    const { minBackoffMs = 250, maxBackoffMs = 10_000 } = this.#options;
    return Math.min(minBackoffMs * 2 ** Math.min(failures, 30), maxBackoffMs);
  }

  #checkAll(): void {
    const stuckAfterMs = this.#options.stuckAfterMs ?? 30_000;
    for (const slot of this.#slots) {
      const { group, child } = slot;
      // A process that still starts has its own time limit.
      if (!child?.isReady) continue;
      const { silentMs, pid = 0 } = child;
      if (silentMs <= stuckAfterMs) {
        child.ping();
        continue;
      }
      this.#options.logger.error(
        { group, pid, silent_ms: silentMs },
        "an actor process is stuck in its node code: killing it",
      );
      this.#options.onEvent?.({ kind: "stuck", group, pid, silentMs });
      slot.stuck = true;
      child.kill();
    }
  }

  readonly #killAll = (): void => {
    for (const { child } of this.#slots) child?.kill();
  };
}
