/** What a `control_sequence` holds back: a pin opens when all that only the earlier pins reach has settled. */
import type { ExecWalk } from "./exec-walk.ts";
import type { IndexedNode } from "./flow-index.ts";
import { BODY_PIN, isLoopKind } from "./loops.ts";
import { ERROR_PIN } from "./pins.ts";
import type { Regions } from "./regions.ts";

/** The connected pins of a sequence, in their order. */
export function sequencePins(node: IndexedNode): string[] {
  return node.pins?.execOut.filter((pin) => pin !== ERROR_PIN) ?? [];
}

/**
 * For each node of the sequence's own region that it sets off: the last of its pins that reaches it, counted from 0.
 * A loop stands for its body, so bodies are not entered.
 */
export function lastPinReaching(sequence: IndexedNode, regions: Regions, walk: ExecWalk): Map<IndexedNode, number> {
  const region = regions.of(sequence);
  const last = new Map<IndexedNode, number>();
  if (region === "unknown") return last;
  const pins = sequencePins(sequence);
  for (let position = pins.length - 1; position >= 0; position--) {
    const open: IndexedNode[] = [];
    const enter = (node: IndexedNode) => {
      if (last.has(node) || !regions.all(node).includes(region)) return;
      last.set(node, position);
      open.push(node);
    };
    for (const link of sequence.execOut) {
      if (link.edge.source_pin === pins[position] && !walk.back.has(link)) enter(link.target);
    }
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const link of node.execOut) {
        const isBody = isLoopKind(node.kind) && link.edge.source_pin === BODY_PIN;
        if (!isBody && !walk.back.has(link)) enter(link.target);
      }
    }
  }
  return last;
}
