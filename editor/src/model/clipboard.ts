/** Parts of a flow as text on the clipboard: a flow file itself, so that it can be pasted anywhere, and any flow here. */
import { type DocEdge, type DocNode, type FlowDocument, freeName, type Point } from "./flow-document.ts";
import { readFlow } from "./read-flow.ts";
import { writeFlow } from "./write-flow.ts";

/** The nodes with the wires between them; undefined when there are none. */
export function copyNodes(document: FlowDocument, ids: ReadonlySet<string>): string | undefined {
  const nodes = document.nodes.filter((node) => ids.has(node.id));
  if (nodes.length === 0) return undefined;
  const edges = document.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target));
  return JSON.stringify(writeFlow({ name: document.name, variables: {}, nodes, edges }), null, 2);
}

export interface Pasted {
  readonly document: FlowDocument;
  readonly nodes: ReadonlySet<string>;
}

/** The document with the nodes of a flow file in it, under free ids; undefined when the text is no flow. */
export function pasteText(
  document: FlowDocument,
  text: string,
  place: { at: Point } | { by: Point },
): Pasted | undefined {
  const part = parseFlowText(text);
  return part === undefined || part.nodes.length === 0 ? undefined : insertPart(document, part, place);
}

export function parseFlowText(text: string): FlowDocument | undefined {
  try {
    return readFlow(JSON.parse(text)).document;
  } catch {
    return undefined;
  }
}

/** `at`: where the part's middle comes to lie; `by`: how far it is moved. */
export function insertPart(document: FlowDocument, part: FlowDocument, place: { at: Point } | { by: Point }): Pasted {
  const shift = "by" in place ? place.by : shiftTo(part.nodes, place.at);
  const taken = new Set(document.nodes.map((node) => node.id));
  const ids = new Map<string, string>();
  const nodes = part.nodes.map((node): DocNode => {
    const id = freeName(node.id, (name) => taken.has(name));
    taken.add(id);
    ids.set(node.id, id);
    return { ...node, id, position: { x: node.position.x + shift.x, y: node.position.y + shift.y } };
  });
  const takenEdges = new Set(document.edges.map((edge) => edge.id));
  const edges = part.edges.map((edge): DocEdge => {
    const id = freeName(edge.id, (name) => takenEdges.has(name));
    takenEdges.add(id);
    return { ...edge, id, source: ids.get(edge.source) ?? edge.source, target: ids.get(edge.target) ?? edge.target };
  });
  return {
    document: { ...document, nodes: [...document.nodes, ...nodes], edges: [...document.edges, ...edges] },
    nodes: new Set(ids.values()),
  };
}

function shiftTo(nodes: readonly DocNode[], at: Point): Point {
  const xs = nodes.map((node) => node.position.x);
  const ys = nodes.map((node) => node.position.y);
  const middle = (values: readonly number[]) => (Math.min(...values) + Math.max(...values)) / 2;
  const round = (value: number) => Math.round(value / 10) * 10;
  return { x: round(at.x - middle(xs)), y: round(at.y - middle(ys)) };
}

/** A copy of the nodes beside them, wired as they are among themselves. */
export function duplicateNodes(document: FlowDocument, ids: ReadonlySet<string>): Pasted {
  const nodes = document.nodes.filter((node) => ids.has(node.id));
  const edges = document.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target));
  return insertPart(document, { ...document, nodes, edges }, { by: { x: 40, y: 40 } });
}
