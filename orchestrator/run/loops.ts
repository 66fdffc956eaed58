/**
 * Loops: a loop node that was performed stays open and lets its body run in one scope per iteration.
 *
 * L1. An iteration's scope exists exactly while the iteration is open: a loop over 100,000 items holds as many scopes
 *     as it has iterations at once.
 * L2. Iterations start in index order; their results stand in index order, whatever order they end in.
 */
import { type ErrorInfo, type GraphNode, isBlobReference, valueFits } from "../../flow/index.ts";
import { iterationScope } from "./ids.ts";
import { take } from "./run-limits.ts";
import type { Activation, LoopState, RunState, Scope } from "./run-state.ts";
import { cancelWithin, closeScope, openPin } from "./settle.ts";
import { activationIn, nodeOf, openScope, scopeOf } from "./state-tracker.ts";

/** Most iterations of one for-each or repeat. */
export const MAX_ITERATIONS = 1_000_000;
/** Most iterations of a while loop without `max_iterations`. */
export const DEFAULT_WHILE_ITERATIONS = 1000;

/** Opens a loop whose inputs are gathered. */
export function beginLoop(run: RunState, activation: Activation): void {
  const node = nodeOf(run, activation.node);
  const inputs = activation.inputs ?? {};
  const wrong = wrongInput(node, inputs);
  if (wrong) {
    run.agenda.push({ do: "fail", activation, error: wrong });
    return;
  }
  const total = totalOf(node, inputs);
  const limit = limitOf(node, MAX_ITERATIONS);
  if (total !== undefined && total > limit) {
    run.agenda.push({ do: "fail", activation, error: tooMany(node, limit) });
    return;
  }
  activation.state = "looping";
  activation.loop = { next: 0, open: 0, total, results: new Map(), ended: 0, broken: false };
  run.agenda.push({ do: "iterate", activation });
}

function totalOf(node: GraphNode, inputs: Record<string, unknown>): number | undefined {
  if (node.kind === "for_each") return (inputs.list as unknown[]).length;
  return node.kind === "repeat" ? Math.max(0, inputs.times as number) : undefined;
}

/** Starts the iterations that may start now; ends the loop when none is left. */
export function iterate(run: RunState, activation: Activation): void {
  const loop = activation.loop;
  if (!loop || activation.state !== "looping") return;
  const node = nodeOf(run, activation.node);
  if (node.kind === "while") return iterateWhile(run, activation, node, loop);
  const total = loop.total ?? 0;
  const list = node.kind === "for_each" ? (activation.inputs?.list as unknown[]) : undefined;
  const atOnce = node.kind === "for_each" ? concurrencyOf(node) : 1;
  while (!loop.broken && run.starting && loop.open < atOnce && loop.next < total) {
    // One at least, or the loop would never go on.
    if (loop.open > 0 && run.scopes.size > run.limits.open_iterations) break;
    if (!take(run, "iterations", node.id)) return;
    const index = loop.next;
    openIteration(run, activation, list ? { item: list[index], index } : { index });
  }
  if (loop.open === 0 && (loop.broken || loop.next >= total)) finish(run, activation, node, loop);
}

function iterateWhile(run: RunState, activation: Activation, node: GraphNode, loop: LoopState): void {
  if (loop.open > 0) return;
  if (loop.broken) return finish(run, activation, node, loop);
  if (!activation.inputs) {
    // The condition of the next round is pulled anew.
    activation.round = loop.ended;
    activation.pulls.clear();
    activation.inputs = undefined;
    run.agenda.push({ do: "gather", activation });
    return;
  }
  const { condition } = activation.inputs;
  const wrong = wrongInput(node, { condition: condition ?? null });
  const limit = limitOf(node, DEFAULT_WHILE_ITERATIONS);
  if (wrong) run.agenda.push({ do: "fail", activation, error: wrong });
  else if (condition === false) finish(run, activation, node, loop);
  else if (loop.next >= limit) run.agenda.push({ do: "fail", activation, error: tooMany(node, limit) });
  else if (run.starting) {
    if (!take(run, "iterations", node.id)) return;
    activation.inputs = {};
    openIteration(run, activation, { iteration: loop.next });
  }
}

function openIteration(run: RunState, activation: Activation, offered: Record<string, unknown>): void {
  const loop = activation.loop as LoopState;
  const index = loop.next++;
  loop.open++;
  const path = iterationScope(activation.scope, activation.node, index);
  const scope = openScope(run, path, activation.node, activation.scope, index, offered);
  openPin(run, scope, activation.node, "body");
  if (scope.unsettled === 0) run.agenda.push({ do: "endScope", scope: path });
}

/** What an iteration feeds into `collect` is to be gathered before it ends; false when nothing is. */
export function collects(run: RunState, scope: Scope): Activation | undefined {
  const node = nodeOf(run, scope.region);
  const collect = node.inputs.find((input) => input.pin === "collect");
  if (node.kind === "while" || !collect || (!collect.source && !collect.literal)) return undefined;
  return activationIn(run, scope, node.id);
}

/** Closes an iteration. `collected` is its entry in the results; undefined leaves it out. */
export function endIteration(run: RunState, path: string, collected: { readonly value: unknown } | undefined): void {
  const scope = run.scopes.get(path);
  if (!scope || scope.parent === undefined) return;
  closeScope(run, scope);
  const activation = activationIn(run, scopeOf(run, scope.parent), scope.region);
  const loop = activation.loop;
  if (!loop || activation.state !== "looping") return;
  if (collected) loop.results.set(scope.index, collected.value);
  loop.open--;
  loop.ended++;
  if (nodeOf(run, activation.node).kind === "while") activation.inputs = undefined;
  run.agenda.push({ do: "iterate", activation });
}

/** `control_break`: ends the loop now; iterations that still run are cancelled. */
export function breakLoop(run: RunState, scope: Scope): void {
  if (scope.parent === undefined) return;
  const activation = activationIn(run, scopeOf(run, scope.parent), scope.region);
  if (!activation.loop) return;
  activation.loop.broken = true;
  stopIterations(run, activation);
  run.agenda.push({ do: "iterate", activation });
}

/** Cancels every open iteration of a loop. */
export function stopIterations(run: RunState, activation: Activation): void {
  for (const scope of [...run.scopes.values()]) {
    if (scope.parent !== activation.scope || scope.region !== activation.node) continue;
    cancelWithin(run, scope.path);
    closeScope(run, scope);
  }
  if (activation.loop) activation.loop.open = 0;
}

function finish(run: RunState, activation: Activation, node: GraphNode, loop: LoopState): void {
  const results = [...loop.results].sort(([a], [b]) => a - b).map(([, value]) => value);
  const outputs = node.kind === "while" ? { iteration: loop.ended } : { results, count: loop.ended };
  run.agenda.push({ do: "complete", activation, pins: ["completed"], outputs });
}

function limitOf(node: GraphNode, usual: number): number {
  const wanted = node.config.max_iterations;
  return Math.min(typeof wanted === "number" ? wanted : usual, MAX_ITERATIONS);
}

function concurrencyOf(node: GraphNode): number {
  const wanted = node.config.concurrency;
  return typeof wanted === "number" && wanted >= 1 ? Math.floor(wanted) : 1;
}

function wrongInput(node: GraphNode, inputs: Record<string, unknown>): ErrorInfo | undefined {
  for (const input of node.inputs) {
    const value = inputs[input.pin];
    if (input.pin === "collect" || value === undefined || valueFits(value, input.type)) continue;
    if (isBlobReference(value)) {
      return {
        code: "PayloadTooLarge",
        message: `input "${input.pin}" of ${node.id} is ${value.$blob.size} bytes and lies in the object store, where a loop cannot read it: give the loop a list of keys or numbers, and fetch each item in its body`,
        retryable: false,
        node_id: node.id,
      };
    }
    return {
      code: "ValidationError",
      message: `input "${input.pin}" of ${node.id} wants ${input.type.type}, got ${value === null ? "null" : Array.isArray(value) ? "list" : typeof value}`,
      retryable: false,
      node_id: node.id,
    };
  }
  return undefined;
}

function tooMany(node: GraphNode, limit: number): ErrorInfo {
  return {
    code: "IterationLimitExceeded",
    message: `${node.id} would run more than ${limit} iterations`,
    retryable: false,
    node_id: node.id,
  };
}
