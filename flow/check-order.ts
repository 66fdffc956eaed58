/** DATA_CYCLE: nodes that would wait for each other for ever. */
import type { CheckContext } from "./check-context.ts";
import { route } from "./check-exec.ts";
import { cycleIn, cyclicComponents } from "./digraph.ts";
import type { IndexedNode, Link } from "./flow-index.ts";
import { orderGraph } from "./order-graph.ts";
import { MAX_SEQUENCED } from "./sequence.ts";

export function checkOrder({ index, walk, regions, sequences, reported, cyclic, log }: CheckContext): void {
  const { graph, owners, links } = orderGraph(index, walk, regions, sequences, reported);
  if (sequences.exceeded) {
    log.error(
      "LIMIT",
      `control_sequence nodes hold back more than ${MAX_SEQUENCED} nodes together: nest them less deeply, give them fewer pins`,
    );
  }
  for (const component of cyclicComponents(graph)) {
    // EXEC_CYCLE says so; or a type is unknown, which may be a loop and then there is no cycle.
    if (component.some((vertex) => isDoubtful(owners[vertex], cyclic))) continue;
    const { vertices, labels } = cycleIn(graph, component);
    const cycle = labels.map((label) => links[label]);
    const ids = vertices
      .flatMap((vertex) => owners[vertex]?.id ?? [])
      .filter((id, i, all) => i === 0 || id !== all[i - 1]);
    const culprit = cycle.find((link) => link?.edge.kind === "data");
    log.error("DATA_CYCLE", explain(ids, culprit, cycle), {
      node_id: culprit?.target.id ?? ids[0],
      edge_id: culprit?.edge.id,
      ...(culprit ? { path: `inputs.${culprit.edge.target_pin}` } : {}),
    });
  }
}

function explain(ids: readonly string[], culprit: Link | undefined, cycle: readonly (Link | undefined)[]): string {
  if (culprit === undefined || cycle.every((link) => link?.edge.kind === "data")) {
    return `nodes wait for each other's values, ${route(ids)}: break the circle, with a variable if a value is to be kept`;
  }
  return (
    `node "${culprit.target.id}" waits for "${culprit.edge.source_pin}" of "${culprit.source.id}" (edge ` +
    `"${culprit.edge.id}"), which runs only after it, ${route(ids)}: read the value from a node that runs earlier`
  );
}

function isDoubtful(node: IndexedNode | undefined, cyclic: ReadonlySet<IndexedNode>): boolean {
  return node !== undefined && (cyclic.has(node) || node.type === undefined);
}
