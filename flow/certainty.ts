/**
 * What is certain to happen when a node runs. It knows dominators (what must have run before), the edges a node always
 * takes, and the joins that all branches lead to; what it cannot prove it takes to be uncertain.
 *
 * Facts are the vertices of a graph: "n runs", "n completes" (and does not leave by `error`), "n takes pin p".
 */
import { digraph } from "./digraph.ts";
import { type DominatorTree, dominatorTree } from "./dominators.ts";
import type { ExecWalk } from "./exec-walk.ts";
import type { IndexedNode } from "./flow-index.ts";
import { BODY_PIN, isLoopKind } from "./loops.ts";
import { ERROR_PIN } from "./pins.ts";

/** Facts that are followed in all before it gives up and takes the rest to be certain: keeps huge flows quick. */
const EFFORT = 2_000_000;
const ROOT = 0;
const EXIT = 1;

export class Certainty {
  readonly #runs = new Map<IndexedNode, number>();
  readonly #pins = new Map<IndexedNode, Map<string, number>>();
  readonly #before: DominatorTree | undefined;
  readonly #after: DominatorTree | undefined;
  /** By fact: the facts that follow from it at once. */
  readonly #follows: number[][] = [[], []];
  #certainAt: number[][] | undefined;
  #effort = EFFORT;

  constructor(walk: ExecWalk) {
    for (const node of walk.order) this.#runs.set(node, this.#fact(2) - 1);
    const tails: number[] = [];
    const heads: number[] = [];
    const arc = (tail: number, head: number) => {
      tails.push(tail);
      heads.push(head);
    };
    // What leads on from where, bodies of loops left out: they may run not at all.
    const onward: { tails: number[]; heads: number[] } = { tails: [], heads: [] };
    const step = (tail: number, head: number) => {
      onward.tails.push(tail);
      onward.heads.push(head);
    };
    for (const node of walk.order) {
      const runs = this.#runs.get(node) ?? ROOT;
      const completes = runs + 1;
      if (!node.execIn.some((link) => walk.reached.has(link.source))) arc(ROOT, runs);
      arc(runs, completes);
      step(runs, completes);
      const pins = this.#takenPins(node);
      if (!pins.has(ERROR_PIN)) this.#follow(runs, completes);
      for (const [pin, taken] of pins) {
        const ofBody = isLoopKind(node.kind) && pin === BODY_PIN;
        const tail = ofBody || pin === ERROR_PIN ? runs : completes;
        arc(tail, taken);
        if (!ofBody) step(tail, taken);
        if (isAlwaysTaken(node, pin)) this.#follow(completes, taken);
      }
      if (mayEndHere(node, pins)) step(completes, EXIT);
      for (const { edge, target } of node.execOut) {
        const taken = pins.get(edge.source_pin) ?? completes;
        const targetRuns = this.#runs.get(target) ?? EXIT;
        arc(taken, targetRuns);
        step(taken, targetRuns);
        this.#follow(taken, targetRuns);
      }
    }
    arc(ROOT, EXIT);
    const size = this.#follows.length;
    this.#before = dominatorTree(digraph(size, tails, heads), ROOT);
    this.#after = dominatorTree(digraph(size, onward.heads, onward.tails), EXIT);
  }

  /** Whether `output` of `source` is sure to have a value whenever `consumer` runs. */
  hasValue(source: IndexedNode, output: string, consumer: IndexedNode): boolean {
    const runs = this.#runs.get(source);
    const wanted =
      output === ERROR_PIN ? this.#pins.get(source)?.get(ERROR_PIN) : runs === undefined ? undefined : runs + 1;
    const reader = this.#runs.get(consumer);
    if (wanted === undefined || reader === undefined || !this.#before) return true;
    if (this.#before.dominates(wanted, reader)) return true;
    this.#certainAt ??= this.#findCertain(this.#before);
    const gaveUp = this.#effort <= 0;
    return gaveUp || this.#isCertain(wanted, reader, this.#certainAt, this.#before);
  }

  #takenPins(node: IndexedNode): Map<string, number> {
    const pins = new Map<string, number>();
    for (const { edge } of node.execOut) {
      if (!pins.has(edge.source_pin)) pins.set(edge.source_pin, this.#fact(1));
    }
    this.#pins.set(node, pins);
    return pins;
  }

  /** New facts; the number of the last. */
  #fact(count: number): number {
    for (let i = 0; i < count; i++) this.#follows.push([]);
    return this.#follows.length - 1;
  }

  #follow(fact: number, consequence: number): void {
    this.#follows[fact]?.push(consequence);
  }

  /** For each fact the facts that make it certain, each only where nothing that must come before it does so already. */
  #findCertain(before: DominatorTree): number[][] {
    const certainAt: number[][] = this.#follows.map(() => []);
    for (const cause of before.order) {
      const open = [cause];
      for (let fact = open.pop(); fact !== undefined && this.#effort-- > 0; fact = open.pop()) {
        if (this.#isCertain(fact, cause, certainAt, before)) continue;
        certainAt[fact]?.push(cause);
        for (const consequence of this.#follows[fact] ?? []) open.push(consequence);
        open.push(before.parent(fact), this.#after?.parent(fact) ?? fact);
      }
    }
    return certainAt;
  }

  #isCertain(fact: number, once: number, certainAt: readonly number[][], before: DominatorTree): boolean {
    const causes = certainAt[fact] ?? [];
    this.#effort -= causes.length;
    return causes.some((cause) => before.dominates(cause, once));
  }
}

/** Whether a node that completes takes this pin in any case. */
function isAlwaysTaken(node: IndexedNode, pin: string): boolean {
  if (pin === ERROR_PIN) return false;
  if (isLoopKind(node.kind)) return pin !== BODY_PIN;
  return node.kind === "sequence" || ownPins(node).length === 1;
}

/** Whether a path may end at a node: it leads nowhere, or the pin that it takes may be one that leads nowhere. */
function mayEndHere(node: IndexedNode, connected: ReadonlyMap<string, number>): boolean {
  const pins = ownPins(node).filter((pin) => !isLoopKind(node.kind) || pin !== BODY_PIN);
  return pins.length === 0 || pins.some((pin) => !connected.has(pin));
}

function ownPins(node: IndexedNode): readonly string[] {
  return node.pins?.execOut.filter((pin) => pin !== ERROR_PIN) ?? [];
}
