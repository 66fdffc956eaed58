/** A flow with its nodes numbered, its edges at hand from both ends and its pins resolved: what all checks start from. */
import type { Flow, FlowEdge, FlowNode } from "./flow.ts";
import type { NodeKind, NodeType, NodeTypes } from "./node-type.ts";
import { type NodePins, resolvePins } from "./pins.ts";
import { nearest } from "./suggest.ts";

export interface IndexedNode {
  readonly index: number;
  readonly id: string;
  readonly node: FlowNode;
  /** Undefined when nobody declared the type. */
  readonly type: NodeType | undefined;
  /** Of an unknown type: start or return when that is what it means to say. */
  readonly kind: NodeKind | undefined;
  /** Undefined with an unknown type. */
  readonly pins: NodePins | undefined;
  /** Used without exec edges. Always true of an unknown type without exec edges. */
  readonly pure: boolean;
  readonly execIn: readonly Link[];
  readonly execOut: readonly Link[];
  readonly dataIn: readonly Link[];
  readonly dataOut: readonly Link[];
  /** Edges at this node whose other end is missing. */
  readonly dangling: readonly FlowEdge[];
}

/** An edge both of whose nodes exist. */
export interface Link {
  readonly edge: FlowEdge;
  readonly source: IndexedNode;
  readonly target: IndexedNode;
}

export interface FlowIndex {
  readonly flow: Flow;
  readonly types: NodeTypes;
  /** `nodes[i].index === i`. Of two nodes with one id, the first. */
  readonly nodes: readonly IndexedNode[];
  readonly byId: ReadonlyMap<string, IndexedNode>;
  readonly links: readonly Link[];
  readonly dangling: readonly FlowEdge[];
}

interface Draft {
  node: FlowNode;
  at: FlowEdge[];
  hasExec: boolean;
}

export function indexFlow(flow: Flow, types: NodeTypes): FlowIndex {
  const drafts = new Map<string, Draft>();
  for (const node of flow.nodes) {
    if (!drafts.has(node.id)) drafts.set(node.id, { node, at: [], hasExec: false });
  }
  for (const edge of flow.edges) {
    for (const id of edge.source === edge.target ? [edge.source] : [edge.source, edge.target]) {
      const draft = drafts.get(id);
      if (draft === undefined) continue;
      draft.at.push(edge);
      if (edge.kind === "exec") draft.hasExec = true;
    }
  }
  const suggestions = new Map<string, string | undefined>();
  const nodes = [...drafts.values()].map((draft, index) => {
    const type = types.get(draft.node.type);
    return {
      index,
      id: draft.node.id,
      node: draft.node,
      type,
      kind: type?.kind ?? presumedKind(draft.node.type, types, suggestions),
      pins: type && resolvePins(draft.node, type, draft.at),
      pure: !draft.hasExec && (type?.pure ?? true),
      execIn: [] as Link[],
      execOut: [] as Link[],
      dataIn: [] as Link[],
      dataOut: [] as Link[],
      dangling: [] as FlowEdge[],
    };
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const links: Link[] = [];
  const dangling: FlowEdge[] = [];
  for (const edge of flow.edges) {
    const source = byId.get(edge.source);
    const target = byId.get(edge.target);
    if (source === undefined || target === undefined) {
      dangling.push(edge);
      (source ?? target)?.dangling.push(edge);
      continue;
    }
    const link: Link = { edge, source, target };
    links.push(link);
    source[edge.kind === "exec" ? "execOut" : "dataOut"].push(link);
    target[edge.kind === "exec" ? "execIn" : "dataIn"].push(link);
  }
  return { flow, types, nodes, byId, links, dangling };
}

/** A mistyped "start" is not a missing START. */
function presumedKind(
  type: string,
  types: NodeTypes,
  suggestions: Map<string, string | undefined>,
): "start" | "return" | undefined {
  if (!suggestions.has(type)) suggestions.set(type, nearest(type, ["start", "return", ...types.keys()]));
  const meant = suggestions.get(type);
  return meant === "start" || meant === "return" ? meant : undefined;
}
