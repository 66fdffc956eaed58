/** What runs: cycles of exec edges, nodes that never run. */
import type { CheckContext } from "./check-context.ts";
import { cycleIn, digraph } from "./digraph.ts";
import type { IndexedNode } from "./flow-index.ts";
import { isLoopKind } from "./loops.ts";

/** EXEC_CYCLE: one issue for each group of nodes that lead to each other. */
export function checkExecCycles({ cycles, index, log }: CheckContext): void {
  for (const cycle of cycles) {
    const members = new Set(cycle);
    const links = cycle.flatMap((node) => node.execOut.filter((link) => members.has(link.target)));
    const graph = digraph(
      index.nodes.length,
      links.map((link) => link.source.index),
      links.map((link) => link.target.index),
    );
    const { vertices, labels } = cycleIn(
      graph,
      cycle.map((node) => node.index),
    );
    const path = vertices.map((vertex) => index.nodes[vertex]?.id ?? "");
    const help = cycle.some((node) => isLoopKind(node.kind))
      ? "an iteration ends by itself, delete the edge that leads back to the loop"
      : "to repeat nodes, use control_for_each, control_while or control_repeat";
    log.error("EXEC_CYCLE", `exec edges lead in a circle, ${route(path)}: ${help}`, {
      node_id: path[0],
      edge_id: links[labels.at(-1) ?? 0]?.edge.id,
    });
  }
}

/** "a" → "b" → "a", the middle left out when it is long. */
export function route(ids: readonly string[]): string {
  const closed = [...ids, ids[0] ?? ""].map((id) => `"${id}"`);
  return (closed.length > 12 ? [...closed.slice(0, 6), "…", ...closed.slice(-5)] : closed).join(" → ");
}

/** UNREACHABLE_NODE, and UNUSED_NODE for pure nodes that nobody reads. */
export function checkReachable(context: CheckContext): void {
  const { index, starts, returns, walk, log, uncertain } = context;
  const noReturnReached = !returns.some((node) => walk.reached.has(node));
  for (const node of index.nodes) {
    if (node.pure || walk.reached.has(node) || uncertain.has(node) || starts.length === 0) continue;
    if (noReturnReached && node.kind === "return") continue; // RETURN_UNREACHABLE says so
    const wired = node.execIn.length > 0 || node.execOut.length > 0;
    const why = wired ? "no exec edges lead to it from START" : `a ${node.node.type} needs exec edges and has none`;
    log.error("UNREACHABLE_NODE", `node "${node.id}" never runs: ${why}; connect it, or delete it`, {
      node_id: node.id,
    });
  }
  const used = usedPureNodes(index.nodes);
  for (const node of index.nodes) {
    if (!node.pure || node.type === undefined || used.has(node)) continue;
    log.warn("UNUSED_NODE", `node "${node.id}" is never evaluated: nothing that runs reads it; connect or delete it`, {
      node_id: node.id,
    });
  }
}

function usedPureNodes(nodes: readonly IndexedNode[]): Set<IndexedNode> {
  const used = new Set<IndexedNode>();
  const open = nodes.filter((node) => !node.pure);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const { source } of node.dataIn) {
      if (!source.pure || used.has(source)) continue;
      used.add(source);
      open.push(source);
    }
  }
  return used;
}
