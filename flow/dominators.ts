/** Dominators of an acyclic graph: the vertices that every path from the root to a vertex passes. */
import { at, type Digraph, digraph, topologicalOrder } from "./digraph.ts";

export interface DominatorTree {
  /** All vertices, each after its dominators. */
  readonly order: readonly number[];
  /** The nearest strict dominator of v; v itself for the root and for vertices that the root does not reach. */
  parent(v: number): number;
  /** Whether every path from the root to `b` passes `a`. */
  dominates(a: number, b: number): boolean;
}

/** Undefined when the graph has a cycle. `root` must reach every vertex. */
export function dominatorTree(graph: Digraph, root: number): DominatorTree | undefined {
  const order = topologicalOrder(graph);
  if (order === undefined) return undefined;
  const parents = new Int32Array(graph.size).fill(-1);
  const depths = new Int32Array(graph.size);
  parents[root] = root;
  const meet = (first: number, second: number): number => {
    let a = first;
    let b = second;
    while (a !== b) {
      if (at(depths, a) >= at(depths, b)) a = at(parents, a);
      else b = at(parents, b);
    }
    return a;
  };
  for (const v of order) {
    const parent = at(parents, v);
    if (parent === -1) continue;
    // All that lead to v came before it, so its parent is final now.
    if (v !== root) depths[v] = at(depths, parent) + 1;
    for (let arc = at(graph.first, v); arc < at(graph.first, v + 1); arc++) {
      const head = at(graph.heads, arc);
      parents[head] = at(parents, head) === -1 ? v : meet(at(parents, head), v);
    }
  }
  const { entered, left } = number(parents, root);
  return {
    order,
    parent: (v) => (at(parents, v) === -1 ? v : at(parents, v)),
    dominates: (a, b) => at(entered, a) <= at(entered, b) && at(entered, b) < at(left, a),
  };
}

/** When a walk of the tree enters and leaves each vertex: ancestors enclose their descendants. */
function number(parents: Int32Array, root: number): { entered: Int32Array; left: Int32Array } {
  const tails: number[] = [];
  const heads: number[] = [];
  for (const [v, parent] of parents.entries()) {
    if (v === root || parent === -1) continue;
    tails.push(parent);
    heads.push(v);
  }
  const tree = digraph(parents.length, tails, heads);
  const entered = new Int32Array(parents.length);
  const left = new Int32Array(parents.length);
  const next = tree.first.slice(0, parents.length);
  const path = [root];
  let time = 0;
  entered[root] = time++;
  while (path.length > 0) {
    const v = at(path, path.length - 1);
    const arc = at(next, v);
    if (arc < at(tree.first, v + 1)) {
      next[v] = arc + 1;
      const child = at(tree.heads, arc);
      entered[child] = time++;
      path.push(child);
    } else {
      left[v] = time;
      path.pop();
    }
  }
  return { entered, left };
}
