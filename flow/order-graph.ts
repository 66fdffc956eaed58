/**
 * What has to wait for what: exec and data edges, loops that wait for their bodies and sequences that wait for their
 * earlier pins, as one graph. A cycle in it is a run that would wait for ever.
 *
 * A node is one vertex, its index, but for these: a loop's end is a vertex of its own, and so is each pin of a
 * sequence but the first, and each further region of a RETURN.
 */
import { type Digraph, digraph } from "./digraph.ts";
import type { ExecWalk } from "./exec-walk.ts";
import type { FlowIndex, IndexedNode, Link } from "./flow-index.ts";
import { BODY_PIN, isBodyOutput, isCollectInput, isLoopKind } from "./loops.ts";
import type { RegionOf, Regions } from "./regions.ts";
import { type SequenceReach, sequencePins } from "./sequence.ts";

export interface OrderGraph {
  readonly graph: Digraph;
  /** The node that a vertex belongs to. */
  readonly owners: readonly IndexedNode[];
  /** By arc label: the edge that the arc stands for; undefined where a loop or a sequence waits. */
  readonly links: readonly (Link | undefined)[];
}

/** `ignored`: edges that are already reported as wrong. */
export function orderGraph(
  index: FlowIndex,
  walk: ExecWalk,
  regions: Regions,
  sequences: SequenceReach,
  ignored: ReadonlySet<Link> = new Set(),
): OrderGraph {
  const draft = new OrderDraft(index, walk, regions);
  for (const node of walk.order) if (node.kind === "sequence") draft.addSequence(node, sequences);
  for (const link of index.links) {
    if (link.edge.kind === "data" ? !ignored.has(link) : !walk.back.has(link)) draft.addLink(link);
  }
  for (const node of walk.order) draft.addLoopEnd(node);
  return draft.finish();
}

class OrderDraft {
  readonly #regions: Regions;
  readonly #owners: IndexedNode[];
  readonly #tails: number[] = [];
  readonly #heads: number[] = [];
  readonly #links: (Link | undefined)[] = [];
  readonly #ends = new Map<IndexedNode, number>();
  readonly #gates = new Map<IndexedNode, Map<string, number>>();
  readonly #returns = new Map<IndexedNode, Map<RegionOf, number>>();

  constructor(index: FlowIndex, walk: ExecWalk, regions: Regions) {
    this.#regions = regions;
    this.#owners = [...index.nodes];
    for (const node of walk.order) {
      const all = regions.all(node);
      if (isLoopKind(node.kind)) {
        const end = this.#vertex(node);
        this.#ends.set(node, end);
        this.#arc(node.index, end);
      } else if (all.length > 1) {
        this.#returns.set(node, new Map(all.map((region, i) => [region, i === 0 ? node.index : this.#vertex(node)])));
      }
    }
  }

  addSequence(node: IndexedNode, sequences: SequenceReach): void {
    const pins = sequencePins(node);
    const gates = new Map<string, number>();
    const byPosition: number[] = [node.index];
    for (const [position, pin] of pins.entries()) {
      if (position === 0) continue;
      const gate = this.#vertex(node);
      this.#arc(byPosition[position - 1] ?? node.index, gate);
      byPosition.push(gate);
      gates.set(pin, gate);
    }
    this.#gates.set(node, gates);
    for (const [reached, position] of sequences.lastPins(node)) {
      const gate = byPosition[position + 1];
      if (gate !== undefined) this.#arc(this.#settled(reached, this.#regions.of(node)), gate);
    }
  }

  addLink(link: Link): void {
    const { edge, source, target } = link;
    if (edge.kind === "exec") {
      const inBody = isLoopKind(source.kind) && edge.source_pin === BODY_PIN;
      const tail = inBody ? source.index : (this.#gates.get(source)?.get(edge.source_pin) ?? this.#settled(source));
      const head = this.#returns.get(target)?.get(this.#regions.ofEdge(link)) ?? target.index;
      this.#arc(tail, head, link);
      return;
    }
    const tail = isBodyOutput(source.kind, edge.source_pin) ? source.index : this.#settled(source);
    const valueRegion = isBodyOutput(source.kind, edge.source_pin) ? source : this.#regions.of(source);
    const activations = this.#returns.get(target);
    if (activations) {
      for (const [region, head] of activations) {
        if (this.#regions.encloses(valueRegion, region)) this.#arc(tail, head, link);
      }
    } else {
      this.#arc(tail, isCollectInput(target.kind, edge.target_pin) ? this.#settled(target) : target.index, link);
    }
  }

  /** A loop ends when all in its body has settled. A RETURN ends the run instead: nothing waits for it. */
  addLoopEnd(node: IndexedNode): void {
    const region = this.#regions.of(node);
    const end = typeof region === "object" ? this.#ends.get(region) : undefined;
    if (end !== undefined && node.kind !== "return") this.#arc(this.#settled(node), end);
  }

  finish(): OrderGraph {
    const graph = digraph(this.#owners.length, this.#tails, this.#heads);
    return { graph, owners: this.#owners, links: this.#links };
  }

  /** The vertex at which a node is through. */
  #settled(node: IndexedNode, region?: RegionOf): number {
    const activation = region === undefined ? undefined : this.#returns.get(node)?.get(region);
    return activation ?? this.#ends.get(node) ?? node.index;
  }

  #vertex(owner: IndexedNode): number {
    this.#owners.push(owner);
    return this.#owners.length - 1;
  }

  #arc(tail: number, head: number, link?: Link): void {
    this.#tails.push(tail);
    this.#heads.push(head);
    this.#links.push(link);
  }
}
