/**
 * StateTracker: opens scopes, makes activations, finds what a scope can see. It decides nothing: the planner and its
 * neighbours move things on by putting tasks on the agenda.
 */
import { carriedLimits, type Graph, type GraphNode, RayflowError, ROOT_REGION } from "../../flow/index.ts";
import type { SubmittedMessage } from "../../nats/messages.ts";
import type { Activation, ActivationState, RunState, Scope } from "./run-state.ts";
import { parseTraceparent } from "./trace-ids.ts";

const SETTLED: ReadonlySet<ActivationState> = new Set(["completed", "failed", "skipped", "cancelled"]);

export function createRunState(
  message: SubmittedMessage,
  graph: Graph,
  at: { partition: number; time: number; seq: number },
): RunState {
  return {
    id: message.run,
    partition: at.partition,
    graph,
    inputs: message.inputs,
    options: message.options,
    // Headers that made no sense were once written down as they came.
    traceparent: parseTraceparent(message.traceparent)?.sampled ? message.traceparent : undefined,
    tracestate: message.tracestate,
    parent: message.parent,
    reply: message.reply,
    reuse: message.reuse,
    limits: carriedLimits(message.limits),
    used: { executions: 0, iterations: 0, child_runs: 0, log_entries: 0 },
    submittedAt: at.time,
    now: at.time,
    seq: at.seq,
    scopes: new Map(),
    inFlight: new Map(),
    timers: new Map(),
    timerCount: 0,
    listeners: new Map(),
    signals: new Map(),
    seenSignals: new Set(),
    held: [],
    starting: true,
    heldByHand: false,
    incidents: 0,
    debug: undefined,
    outcome: undefined,
    statistics: { executed: 0, failed: 0, skipped: 0, timesMs: new Map(), errors: [] },
    agenda: [],
    out: [],
    news: [],
    unheard: false,
    spans: undefined,
    result: undefined,
  };
}

export function isSettled(activation: Activation): boolean {
  return SETTLED.has(activation.state);
}

export function nodeOf(run: RunState, id: string): GraphNode {
  const node = run.graph.nodes.get(id);
  if (!node) throw new RayflowError("GraphBuildError", `the graph has no node ${id}`);
  return node;
}

export function scopeOf(run: RunState, path: string): Scope {
  const scope = run.scopes.get(path);
  if (!scope) throw new RayflowError("GraphBuildError", `the run has no open scope "${path}"`);
  return scope;
}

/** Opens a scope of a region. Its activations come into being when an edge first reaches them. */
export function openScope(
  run: RunState,
  path: string,
  region: string,
  parent: string | undefined,
  index: number,
  offered: Record<string, unknown>,
): Scope {
  const scope: Scope = {
    path,
    region,
    parent,
    index,
    openedAt: run.now,
    offered,
    activations: new Map(),
    unsettled: run.graph.regions.get(region)?.nodes.length ?? 0,
    closing: false,
    gates: new Map(),
  };
  run.scopes.set(path, scope);
  return scope;
}

/** The activation of a node in a scope, made at first sight. */
export function activationIn(run: RunState, scope: Scope, nodeId: string): Activation {
  const known = scope.activations.get(nodeId);
  if (known) return known;
  const made: Activation = {
    scope: scope.path,
    node: nodeId,
    state: "idle",
    pending: nodeOf(run, nodeId).execInByRegion.get(scope.region) ?? 0,
    taken: 0,
    waitsFor: 0,
    waiters: [],
    attempt: 0,
    round: 0,
    pulls: new Map(),
    inputs: undefined,
    outputs: undefined,
    pins: [],
    error: undefined,
    startedAt: 0,
    workedMs: 0,
    timer: undefined,
    deadlineTimer: undefined,
    loop: undefined,
  };
  scope.activations.set(nodeId, made);
  return made;
}

/** Where a source's output is to be found from a scope: an enclosing loop's offer, or the source's activation. */
export type Visible =
  | { readonly kind: "offered"; readonly scope: Scope }
  | { readonly kind: "activation"; readonly scope: Scope; readonly activation: Activation }
  | undefined;

/** Finds a source in this scope or the nearest enclosing one. */
export function findVisible(run: RunState, from: Scope, sourceId: string): Visible {
  const source = nodeOf(run, sourceId);
  let scope: Scope | undefined = from;
  while (scope) {
    if (scope.region === sourceId && scope.region !== ROOT_REGION) return { kind: "offered", scope };
    if (source.regions.includes(scope.region)) {
      return { kind: "activation", scope, activation: activationIn(run, scope, sourceId) };
    }
    scope = scope.parent === undefined ? undefined : run.scopes.get(scope.parent);
  }
  return undefined;
}
