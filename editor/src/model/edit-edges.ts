/** Edits of edges. Whether a wire is allowed is for connection-rules.ts to say: these functions draw it. */
import { type DocEdge, type FlowDocument, freeName } from "./flow-document.ts";
import { edgeKind } from "./handle-ids.ts";

export interface Wire {
  readonly source: string;
  readonly sourceHandle: string;
  readonly target: string;
  readonly targetHandle: string;
}

/** Draws a wire. A data input takes one: a new wire takes the place of the old. The same wire again changes nothing. */
export function connect(document: FlowDocument, wire: Wire): FlowDocument {
  if (document.edges.some((edge) => isSameWire(edge, wire))) return document;
  const taken = new Set(document.edges.map((edge) => edge.id));
  const id = freeName(`${wire.source}-${wire.target}`, (name) => taken.has(name));
  return { ...document, edges: [...withoutRivals(document.edges, wire), { id, ...pick(wire) }] };
}

/** Moves an edge's end to another pin; it keeps its id. */
export function reconnect(document: FlowDocument, id: string, wire: Wire): FlowDocument {
  const edge = document.edges.find((one) => one.id === id);
  if (edge === undefined || isSameWire(edge, wire)) return document;
  if (document.edges.some((one) => isSameWire(one, wire))) return disconnect(document, id);
  const kept = withoutRivals(document.edges, wire, id);
  return { ...document, edges: kept.map((one) => (one.id === id ? { id, ...pick(wire) } : one)) };
}

export function disconnect(document: FlowDocument, id: string): FlowDocument {
  const edges = document.edges.filter((edge) => edge.id !== id);
  return edges.length === document.edges.length ? document : { ...document, edges };
}

/** Takes away every edge at a pin. */
export function disconnectPin(document: FlowDocument, node: string, handle: string, side: "source" | "target") {
  const at = (edge: DocEdge) =>
    side === "source"
      ? edge.source === node && edge.sourceHandle === handle
      : edge.target === node && edge.targetHandle === handle;
  const edges = document.edges.filter((edge) => !at(edge));
  return edges.length === document.edges.length ? document : { ...document, edges };
}

export function isSameWire(a: Wire, b: Wire): boolean {
  return (
    a.source === b.source &&
    a.target === b.target &&
    a.sourceHandle === b.sourceHandle &&
    a.targetHandle === b.targetHandle
  );
}

function withoutRivals(edges: readonly DocEdge[], wire: Wire, except?: string): DocEdge[] {
  if (edgeKind(wire) === "exec") return [...edges];
  return edges.filter(
    (edge) => edge.id === except || edge.target !== wire.target || edge.targetHandle !== wire.targetHandle,
  );
}

function pick({ source, sourceHandle, target, targetHandle }: Wire): Wire {
  return { source, sourceHandle, target, targetHandle };
}

/** Takes away every wire of a node. */
export function disconnectNode(document: FlowDocument, node: string): FlowDocument {
  const edges = document.edges.filter((edge) => edge.source !== node && edge.target !== node);
  return edges.length === document.edges.length ? document : { ...document, edges };
}
