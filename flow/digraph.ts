/**
 * Directed graphs over small integers, and what the validator asks of them. Nothing here recurses: a flow may be a
 * chain of 10,000 nodes.
 */

export interface Digraph {
  readonly size: number;
  /** The arcs out of vertex v are those from `first[v]` up to `first[v + 1]`. */
  readonly first: Int32Array;
  readonly heads: Int32Array;
  /** By arc: its place in the lists that the graph was made from. */
  readonly labels: Int32Array;
}

/** The graph whose i-th arc goes from `tails[i]` to `heads[i]`. */
export function digraph(size: number, tails: readonly number[], heads: readonly number[]): Digraph {
  const first = new Int32Array(size + 1);
  for (const tail of tails) first[tail + 1] = at(first, tail + 1) + 1;
  for (let v = 0; v < size; v++) first[v + 1] = at(first, v + 1) + at(first, v);
  const next = first.slice(0, size);
  const sortedHeads = new Int32Array(tails.length);
  const labels = new Int32Array(tails.length);
  for (const [label, tail] of tails.entries()) {
    const arc = at(next, tail);
    next[tail] = arc + 1;
    sortedHeads[arc] = heads[label] ?? 0;
    labels[arc] = label;
  }
  return { size, first, heads: sortedHeads, labels };
}

/** An element that is known to be there. */
export function at(array: Int32Array | readonly number[], index: number): number {
  return array[index] ?? 0;
}

/** Every vertex after all that lead to it; undefined when there is a cycle. Ties go to the lower vertex first in line. */
export function topologicalOrder(graph: Digraph): number[] | undefined {
  const waiting = new Int32Array(graph.size);
  for (const head of graph.heads) waiting[head] = at(waiting, head) + 1;
  const order: number[] = [];
  for (let v = 0; v < graph.size; v++) if (waiting[v] === 0) order.push(v);
  for (let next = 0; next < order.length; next++) {
    const v = at(order, next);
    for (let arc = at(graph.first, v); arc < at(graph.first, v + 1); arc++) {
      const head = at(graph.heads, arc);
      waiting[head] = at(waiting, head) - 1;
      if (waiting[head] === 0) order.push(head);
    }
  }
  return order.length === graph.size ? order : undefined;
}

/** The strongly connected components that hold a cycle (Tarjan). Each is sorted. */
export function cyclicComponents(graph: Digraph): number[][] {
  const { size, first, heads } = graph;
  const found = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const onStack = new Uint8Array(size);
  const nextArc = first.slice(0, size);
  const stack: number[] = [];
  const path: number[] = [];
  const components: number[][] = [];
  let time = 0;
  for (let root = 0; root < size; root++) {
    if (found[root] !== -1) continue;
    path.push(root);
    while (path.length > 0) {
      const v = at(path, path.length - 1);
      if (found[v] === -1) {
        found[v] = low[v] = time++;
        stack.push(v);
        onStack[v] = 1;
      }
      const arc = at(nextArc, v);
      if (arc < at(first, v + 1)) {
        nextArc[v] = arc + 1;
        const head = at(heads, arc);
        if (found[head] === -1) path.push(head);
        else if (onStack[head]) low[v] = Math.min(at(low, v), at(found, head));
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(at(low, parent), at(low, v));
      if (low[v] !== found[v]) continue;
      const component: number[] = [];
      for (let member = -1; member !== v; ) {
        member = stack.pop() ?? v;
        onStack[member] = 0;
        component.push(member);
      }
      if (component.length > 1 || hasArc(graph, v, v)) components.push(component.sort((a, b) => a - b));
    }
  }
  return components.sort((a, b) => at(a, 0) - at(b, 0));
}

function hasArc(graph: Digraph, tail: number, head: number): boolean {
  for (let arc = at(graph.first, tail); arc < at(graph.first, tail + 1); arc++) {
    if (graph.heads[arc] === head) return true;
  }
  return false;
}

export interface Cycle {
  /** In order, the first not repeated. */
  readonly vertices: readonly number[];
  /** The label of the arc out of each vertex. */
  readonly labels: readonly number[];
}

/** A shortest cycle through the first vertex of a cyclic component. */
export function cycleIn(graph: Digraph, component: readonly number[]): Cycle {
  const members = new Set(component);
  const start = at(component, 0);
  const cameBy = new Map<number, { tail: number; label: number }>();
  const queue = [start];
  for (let next = 0; next < queue.length && !cameBy.has(start); next++) {
    const tail = at(queue, next);
    for (let arc = at(graph.first, tail); arc < at(graph.first, tail + 1); arc++) {
      const head = at(graph.heads, arc);
      if (!members.has(head) || cameBy.has(head)) continue;
      cameBy.set(head, { tail, label: at(graph.labels, arc) });
      queue.push(head);
    }
  }
  const vertices: number[] = [];
  const labels: number[] = [];
  let v = start;
  do {
    const step = cameBy.get(v);
    if (step === undefined) break;
    vertices.unshift(step.tail);
    labels.unshift(step.label);
    v = step.tail;
  } while (v !== start);
  return { vertices, labels };
}
