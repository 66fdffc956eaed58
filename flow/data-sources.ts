/** Where a data edge's value comes from once the pure nodes in between are looked through. */
import type { IndexedNode, Link } from "./flow-index.ts";
import { isBodyOutput, isCollectInput } from "./loops.ts";

/**
 * Calls `visit` with each data edge out of an exec node that reaches `link` through pure nodes of `through`; with
 * `link` itself when it comes from an exec node.
 */
export function visitSources(link: Link, through: ReadonlySet<IndexedNode>, visit: (link: Link) => void): void {
  if (!link.source.pure) {
    visit(link);
    return;
  }
  const seen = new Set([link.source]);
  for (const pure of seen) {
    for (const inner of pure.dataIn) {
      if (!inner.source.pure) visit(inner);
      else if (through.has(inner.source)) seen.add(inner.source);
    }
  }
}

/**
 * For each node the exec nodes that it waits for because its inputs read them, through pure nodes too. `order` has each
 * node after those it reads. Nodes that read the same share one list.
 *
 * A loop whose `item` a node in its body reads is not among them: it has set that before the body began, and settles
 * only after it, so to wait for it would be to wait for ever. What feeds a loop's own `collect` is not either.
 */
export function dataSources(order: readonly IndexedNode[]): Map<IndexedNode, readonly string[]> {
  const sources = new Map<IndexedNode, readonly string[]>();
  const single = new Map<string, readonly string[]>();
  for (const node of order) {
    let own: readonly string[] = [];
    let union: Set<string> | undefined;
    for (const { edge, source } of node.dataIn) {
      if (isBodyOutput(source.kind, edge.source_pin) || isCollectInput(node.kind, edge.target_pin)) continue;
      const one = single.get(source.id) ?? [source.id];
      single.set(source.id, one);
      const read = source.pure ? (sources.get(source) ?? []) : one;
      if (read === own || read.length === 0) continue;
      if (own.length === 0) {
        own = read;
        continue;
      }
      union ??= new Set(own);
      for (const id of read) union.add(id);
    }
    sources.set(node, union === undefined || union.size === own.length ? own : [...union]);
  }
  return sources;
}
