/** What a `control_sequence` holds back: a pin opens when all that only the earlier pins reach has settled. */
import type { ExecWalk } from "./exec-walk.ts";
import type { IndexedNode } from "./flow-index.ts";
import { BODY_PIN, isLoopKind } from "./loops.ts";
import { ERROR_PIN } from "./pins.ts";
import type { RegionOf, Regions } from "./regions.ts";

/** Nodes that the pins of all sequences of a flow may wait for together, each counted once for every pin. */
export const MAX_SEQUENCED = 2_000_000;

/** The connected pins of a sequence, in their order. */
export function sequencePins(node: IndexedNode): string[] {
  return node.pins?.execOut.filter((pin) => pin !== ERROR_PIN) ?? [];
}

export class SequenceReach {
  readonly #regions: Regions;
  readonly #walk: ExecWalk;
  readonly #known = new Map<IndexedNode, ReadonlyMap<IndexedNode, number>>();
  #left = MAX_SEQUENCED;

  constructor(regions: Regions, walk: ExecWalk) {
    this.#regions = regions;
    this.#walk = walk;
  }

  /** Pins wait for more than MAX_SEQUENCED nodes: what `lastPins` says of the last ones is not complete. */
  get exceeded(): boolean {
    return this.#left < 0;
  }

  /**
   * For each node of the sequence's own region that it sets off: the last of its pins that reaches it, counted from 0.
   * A loop stands for its body, so bodies are not entered. Empty with a single pin, which holds nothing back.
   */
  lastPins(sequence: IndexedNode): ReadonlyMap<IndexedNode, number> {
    let last = this.#known.get(sequence);
    if (last === undefined) {
      last = this.#find(sequence, this.#regions.of(sequence));
      this.#known.set(sequence, last);
    }
    return last;
  }

  #find(sequence: IndexedNode, region: RegionOf): Map<IndexedNode, number> {
    const last = new Map<IndexedNode, number>();
    const pins = sequencePins(sequence);
    if (region === "unknown" || pins.length < 2) return last;
    for (let position = pins.length - 1; position >= 0; position--) {
      const open: IndexedNode[] = [];
      const enter = (node: IndexedNode) => {
        if (last.has(node) || this.#left < 0 || !this.#regions.all(node).includes(region)) return;
        this.#left -= pins.length - position;
        last.set(node, position);
        open.push(node);
      };
      for (const link of sequence.execOut) {
        if (link.edge.source_pin === pins[position] && !this.#walk.back.has(link)) enter(link.target);
      }
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        for (const link of node.execOut) {
          const isBody = isLoopKind(node.kind) && link.edge.source_pin === BODY_PIN;
          if (!isBody && !this.#walk.back.has(link)) enter(link.target);
        }
      }
    }
    return last;
  }
}
