/** START and RETURN, edges that end on no node, types that nobody declared. */
import type { CheckContext } from "./check-context.ts";
import { didYouMean, listNames } from "./suggest.ts";

export function checkStructure(context: CheckContext): void {
  checkStart(context);
  checkUnknownNodes(context);
  checkUnknownTypes(context);
}

function checkStart({ starts, log }: CheckContext): void {
  if (starts.length === 0) {
    log.error("NO_START", 'the flow has no START: add a node of type "start"');
  } else if (starts.length > 1) {
    const names = listNames(starts.map((node) => node.id));
    log.error("MULTIPLE_START", `the flow has ${starts.length} START nodes (${names}): keep one`, {
      node_id: starts[1]?.id,
    });
  }
}

export function checkReturn({ starts, returns, walk, log }: CheckContext): void {
  if (returns.length === 0) {
    log.error("NO_RETURN", 'the flow has no RETURN: add a node of type "return" where it ends');
  } else if (starts.length > 0 && !returns.some((node) => walk.reached.has(node))) {
    const names = listNames(returns.map((node) => node.id));
    log.error("RETURN_UNREACHABLE", `no exec edges lead from START to a RETURN (${names}): connect one`, {
      node_id: returns[0]?.id,
    });
  }
}

function checkUnknownNodes({ index, log }: CheckContext): void {
  for (const edge of index.dangling) {
    for (const [id, verb] of [
      [edge.source, "begins"],
      [edge.target, "ends"],
    ] as const) {
      if (index.byId.has(id)) continue;
      const hint = didYouMean(id, index.byId.keys()) || ": connect it to a node that exists, or delete it";
      log.error("UNKNOWN_NODE", `edge "${edge.id}" ${verb} on node "${id}", which does not exist${hint}`, {
        edge_id: edge.id,
      });
    }
  }
}

function checkUnknownTypes({ index, log }: CheckContext): void {
  const hints = new Map<string, string>();
  for (const { id, node, type } of index.nodes) {
    // A type that is missing altogether was reported when the flow was read.
    if (type !== undefined || node.type === "") continue;
    const hint = hints.get(node.type) ?? didYouMean(node.type, index.types.keys());
    hints.set(node.type, hint);
    const help = hint || ": no actor declares it; start one that does, or choose another type";
    log.error("UNKNOWN_NODE_TYPE", `node "${id}" is of the unknown type "${node.type.slice(0, 100)}"${help}`, {
      node_id: id,
      path: "type",
    });
  }
}
