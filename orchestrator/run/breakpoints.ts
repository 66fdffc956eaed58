/**
 * Breakpoints: holds activations that are ready, with the inputs they will run with, until somebody steps or goes on.
 * A run that nobody debugs has no `debug` state, and pays for none of this.
 *
 * B1. What is held has its inputs: pure nodes that feed it are evaluated before, once, and not again when it goes on.
 * B2. While something is held nothing starts: what becomes ready meanwhile waits as in a paused run.
 * B3. A step sends what is held, all of it, and holds whatever becomes ready next, with or without a breakpoint.
 * B4. The time that a node is held counts neither as its own nor against its deadline.
 */
import type { ErrorInfo, Graph } from "../../flow/index.ts";
import { isCollector } from "./data-gatherer.ts";
import type { Activation, DebugState, RunState } from "./run-state.ts";
import { dropTimers, report } from "./settle.ts";

/** What is wrong with breakpoints on these nodes; undefined: nothing. */
export function breakpointError(graph: Graph, nodes: readonly string[]): ErrorInfo | undefined {
  const say = (message: string, node_id: string): ErrorInfo => ({
    code: "InvalidBreakpoint",
    message,
    retryable: false,
    node_id,
  });
  for (const id of nodes) {
    const node = graph.nodes.get(id);
    if (!node) return say(`there is no node ${JSON.stringify(id)} in ${graph.name} to hold at`, id);
    if (node.pure) return say(`${id} is pure: it is evaluated for the nodes that read it, so hold at one of these`, id);
  }
  return undefined;
}

/** Puts these breakpoints in the place of those before. What is held stays held. */
export function setBreakpoints(run: RunState, nodes: readonly string[]): void {
  if (nodes.length === 0 && !run.debug) return;
  debugOf(run).breakpoints = new Set(nodes);
}

/** Says whether whatever becomes ready next is to be held. */
export function setStepping(run: RunState, stepping: boolean): void {
  if (stepping || run.debug) debugOf(run).stepping = stepping;
}

/** Whether a command of this id was taken in before; remembers it. */
export function isRepeated(run: RunState, id: string): boolean {
  const { seen } = debugOf(run);
  if (seen.has(id)) return true;
  seen.add(id);
  return false;
}

export function isHeld(run: RunState): boolean {
  return run.debug?.held.some(({ activation }) => activation.state === "held") ?? false;
}

/** Whether all that was held has been cancelled meanwhile: nobody need step then. */
export function lostAllHeld(run: RunState): boolean {
  return run.debug !== undefined && run.debug.held.length > 0 && !isHeld(run);
}

/** Holds a ready activation, or lets it wait for one that is held already; false: it may be performed. */
export function holdsBack(run: RunState, debug: DebugState, activation: Activation): boolean {
  // The end of an iteration, and the next round of a loop, are no activations of their own.
  if (run.outcome || activation.loop || isCollector(run, activation)) return false;
  if (!debug.stepping && !debug.breakpoints.has(activation.node)) {
    if (run.starting) return false;
    // It became ready in the same moment as what is held: taken up again by `resumeStarts`, with the same inputs.
    activation.state = "waiting";
    return true;
  }
  activation.state = "held";
  dropTimers(run, activation);
  debug.held.push({ activation, since: run.now });
  run.starting = false;
  report(run, activation, "held");
  return true;
}

/** Sends what is held on its way. */
export function releaseHeld(run: RunState): void {
  if (!run.debug) return;
  for (const { activation, since } of run.debug.held.splice(0)) {
    if (activation.state !== "held") continue;
    activation.startedAt += run.now - since;
    run.agenda.push({ do: "release", activation });
  }
}

function debugOf(run: RunState): DebugState {
  run.debug ??= { breakpoints: new Set(), stepping: false, held: [], seen: new Set() };
  return run.debug;
}
