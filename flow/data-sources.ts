/** Where a data edge's value comes from once the pure nodes in between are looked through. */
import type { IndexedNode, Link } from "./flow-index.ts";

/**
 * Calls `visit` with each data edge out of an exec node that reaches `link`, through any number of pure nodes; with
 * `link` itself when it comes from an exec node. `seen` keeps the pure nodes that were looked through: share it
 * between the links of one consumer to see each source once.
 */
export function visitSources(link: Link, seen: Set<IndexedNode>, visit: (link: Link) => void): void {
  if (!link.source.pure) {
    visit(link);
    return;
  }
  if (seen.has(link.source)) return;
  seen.add(link.source);
  const open = [link.source];
  for (let pure = open.pop(); pure !== undefined; pure = open.pop()) {
    for (const inner of pure.dataIn) {
      if (!inner.source.pure) {
        visit(inner);
      } else if (!seen.has(inner.source)) {
        seen.add(inner.source);
        open.push(inner.source);
      }
    }
  }
}
