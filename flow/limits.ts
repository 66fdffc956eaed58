/**
 * What a run, and all runs of a deployment together, may take. A flow is not trusted: without these, one could fill the
 * log, the memory of the orchestrators or the queue for everybody.
 *
 * The limits of a run are written down with its submission, where they differ from the defaults: so every process that
 * folds its log stops it at the same place, whatever its own settings are. A default here is part of what a log means: a
 * new one holds for logs of before too.
 */
import { z } from "zod";
import { type ErrorInfo, RayflowError } from "./errors.ts";
import { MAX_EDGES, MAX_NODES } from "./flow.ts";

export interface Limit {
  readonly default: number;
  /** One may set it no higher. */
  readonly most?: number;
  /** What is counted, for people. */
  readonly counts: string;
}

/** Of one run. */
export const runLimits = {
  executions: { default: 10_000_000, counts: "attempts of nodes and evaluations of pure nodes in all" },
  iterations: { default: 10_000_000, counts: "iterations of all its loops in all" },
  open_iterations: {
    default: 10_000,
    counts: "iterations open at once; past it a loop goes on with one at a time, and nothing fails",
  },
  in_flight: { default: 50_000, counts: "executions and child runs under way at once" },
  child_runs: { default: 100_000, counts: "child runs it starts itself" },
  subflow_depth: { default: 32, most: 32, counts: "runs inside runs" },
  timers: { default: 50_000, counts: "timers set at once: sleeps, timeouts, backoffs, deadlines" },
  timer_seconds: { default: 366 * 24 * 3600, counts: "seconds that one timer may take" },
  run_seconds: { default: 0, counts: "seconds from submission to end; 0 for no end" },
  signals: { default: 10_000, counts: "signals that have come and nobody waits for" },
  log_entries: { default: 20_000_000, counts: "messages of the log that concern it" },
} as const satisfies Record<string, Limit>;

/** Of a deployment: one NATS account, which is one tenant. Each orchestrator minds its share. */
export const tenantLimits = {
  active_runs: { default: 1_000_000, counts: "runs that have not ended; past it submissions wait in their queue" },
  flow_nodes: { default: MAX_NODES, most: MAX_NODES, counts: "nodes of a flow" },
  flow_edges: { default: MAX_EDGES, most: MAX_EDGES, counts: "edges of a flow" },
  flow_chars: { default: 16 * 1024 * 1024, counts: "characters of a flow's JSON" },
  flow_variables: { default: 1_000, counts: "variables that a flow declares" },
} as const satisfies Record<string, Limit>;

export type RunLimit = keyof typeof runLimits;
export type TenantLimit = keyof typeof tenantLimits;
export type RunLimits = Readonly<Record<RunLimit, number>>;
export type Limits = Readonly<Record<RunLimit | TenantLimit, number>>;

const table: Readonly<Record<string, Limit>> = { ...runLimits, ...tenantLimits };

const defaults = Object.fromEntries(Object.entries(table).map(([name, limit]) => [name, limit.default])) as Limits;
const defaultRunLimits = pickRunLimits(defaults);

/** Limits that were set, by name. */
export const limitSettings = z.record(z.string(), z.number());

/** All limits, those that were set in the place of the defaults. @throws UsageError naming the one that is off */
export function limitsOf(set: Readonly<Record<string, number>> = {}): Limits {
  const limits: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(set)) {
    const limit = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!limit)
      throw new RayflowError("UsageError", `no limit is called ${name}: there are ${Object.keys(table).join(", ")}`);
    const most = limit.most ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < 0 || value > most) {
      throw new RayflowError("UsageError", `the limit ${name} is a whole number from 0 to ${most}, not ${value}`);
    }
    limits[name] = value;
  }
  return limits as Limits;
}

/** What of the limits goes with a run; undefined when all are the defaults. */
export function limitsToCarry(limits: Limits): Partial<RunLimits> | undefined {
  const changed = Object.entries(pickRunLimits(limits)).filter(
    ([name, value]) => value !== defaultRunLimits[name as RunLimit],
  );
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

/** The limits of a run that carries these. */
export function carriedLimits(carried: Readonly<Record<string, number | undefined>> | undefined): RunLimits {
  return carried === undefined ? defaultRunLimits : { ...defaultRunLimits, ...carried };
}

/** The failure of what would pass a limit: says which, and how to raise it. */
export function limitError(name: RunLimit | TenantLimit, limit: number, what: string): ErrorInfo {
  return {
    code: "LimitExceeded",
    message: `${what}: more than ${limit} ${table[name]?.counts}; if that many are meant, raise the limit of the orchestrators (--limit ${name}=…)`,
    retryable: false,
    details: { limit: name, max: limit },
  };
}

function pickRunLimits(limits: Limits): RunLimits {
  return Object.fromEntries(Object.keys(runLimits).map((name) => [name, limits[name as RunLimit]])) as RunLimits;
}
