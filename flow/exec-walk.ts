/** Follows the exec edges from where a run begins. */
import { cyclicComponents, digraph } from "./digraph.ts";
import type { FlowIndex, IndexedNode, Link } from "./flow-index.ts";

export interface ExecWalk {
  /** Each exec node that is reached, after all that lead to it (edges in `back` apart). */
  readonly order: readonly IndexedNode[];
  readonly reached: ReadonlySet<IndexedNode>;
  /** Edges that close a cycle. Empty in a valid flow. */
  readonly back: ReadonlySet<Link>;
}

/** Walks from the given nodes, in their order. */
export function walkExec(roots: Iterable<IndexedNode>): ExecWalk {
  const reached = new Set<IndexedNode>();
  const open = new Set<IndexedNode>();
  const back = new Set<Link>();
  const postorder: IndexedNode[] = [];
  for (const root of roots) {
    if (reached.has(root)) continue;
    reached.add(root);
    open.add(root);
    const path: { node: IndexedNode; next: number }[] = [{ node: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const link = top.node.execOut[top.next++];
      if (link === undefined) {
        path.pop();
        open.delete(top.node);
        postorder.push(top.node);
      } else if (open.has(link.target)) {
        back.add(link);
      } else if (!reached.has(link.target)) {
        reached.add(link.target);
        open.add(link.target);
        path.push({ node: link.target, next: 0 });
      }
    }
  }
  return { order: postorder.reverse(), reached, back };
}

/** The cycles of the exec edges alone, as groups of nodes that all lead to each other. */
export function execCycles(index: FlowIndex): IndexedNode[][] {
  const tails: number[] = [];
  const heads: number[] = [];
  for (const { edge, source, target } of index.links) {
    if (edge.kind !== "exec") continue;
    tails.push(source.index);
    heads.push(target.index);
  }
  const components = cyclicComponents(digraph(index.nodes.length, tails, heads));
  return components.map((component) => component.flatMap((i) => index.nodes[i] ?? []));
}
