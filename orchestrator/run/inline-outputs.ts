/**
 * Which values the run machine reads itself: a loop's list, a condition, a number of seconds. All others it only passes
 * on, so that they may be references to large values; these stay in the message as long as it holds them.
 */
import type { Flow, Graph, NodeKind } from "../../flow/index.ts";

/** Kinds that hand their inputs on unread. */
const PASS_ON: ReadonlySet<NodeKind> = new Set(["actor", "start", "return", "subflow"]);

/** Output pins that the machine reads, by node id. */
export function outputsReadByMachine(
  flow: Pick<Flow, "edges">,
  kindOf: (node: string) => NodeKind | undefined,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const edge of flow.edges) {
    // What an iteration feeds into `collect` is put into a list as it is.
    if (edge.kind !== "data" || edge.target_pin === "collect") continue;
    const kind = kindOf(edge.target);
    if (kind === undefined || PASS_ON.has(kind)) continue;
    const pins = found.get(edge.source) ?? [];
    if (!pins.includes(edge.source_pin)) pins.push(edge.source_pin);
    found.set(edge.source, pins);
  }
  return found;
}

const byGraph = new WeakMap<Graph, ReadonlyMap<string, readonly string[]>>();

/** The outputs of a node that the machine reads; undefined: none. Looked up once per graph. */
export function readByMachine(graph: Graph, node: string): readonly string[] | undefined {
  let found = byGraph.get(graph);
  if (!found) {
    found = outputsReadByMachine(graph.flow, (id) => graph.nodes.get(id)?.kind);
    byGraph.set(graph, found);
  }
  return found.get(node);
}
