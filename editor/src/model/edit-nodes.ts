/** Edits of nodes: each gives the next document, or the same one when nothing changes. */
import type { NodeType } from "../../../flow/index.ts";
import { type DocNode, type FlowDocument, freeName, type Point } from "./flow-document.ts";
import { type JsonObject, sameJson, withEntry } from "./json.ts";

/** Appends a node of a type; its id is the last part of the type's name. */
export function addNode(
  document: FlowDocument,
  type: NodeType,
  position: Point,
): { readonly document: FlowDocument; readonly id: string } {
  const stem = type.type.includes("_") ? type.type.slice(type.type.indexOf("_") + 1) : type.type;
  const taken = new Set(document.nodes.map((node) => node.id));
  const id = freeName(stem, (name) => taken.has(name));
  const node: DocNode = { id, type: type.type, position, config: defaultsOf(type.config), constants: {} };
  return { document: { ...document, nodes: [...document.nodes, node] }, id };
}

/** What a new node must say so that its form is not wrong from the start. Defaults stay unwritten. */
function defaultsOf(schema: JsonObject): JsonObject {
  const { required, properties } = schema as { required?: unknown; properties?: Record<string, JsonObject> };
  const wanted = Array.isArray(required) ? required.filter((key): key is string => typeof key === "string") : [];
  return Object.fromEntries(
    wanted.flatMap((key) => {
      const field = properties?.[key];
      return field !== undefined && "default" in field ? [] : firstOf(field, key);
    }),
  );
}

function firstOf(field: JsonObject | undefined, key: string): [string, unknown][] {
  const options = field?.enum;
  return Array.isArray(options) && options.length > 0 ? [[key, options[0]]] : [];
}

export function removeElements(
  document: FlowDocument,
  nodes: ReadonlySet<string>,
  edges: ReadonlySet<string>,
): FlowDocument {
  const keptNodes = document.nodes.filter((node) => !nodes.has(node.id));
  const keptEdges = document.edges.filter(
    (edge) => !edges.has(edge.id) && !nodes.has(edge.source) && !nodes.has(edge.target),
  );
  if (keptNodes.length === document.nodes.length && keptEdges.length === document.edges.length) return document;
  return { ...document, nodes: keptNodes, edges: keptEdges };
}

export function moveNodes(document: FlowDocument, positions: ReadonlyMap<string, Point>): FlowDocument {
  return changeNodes(document, (node) => {
    const to = positions.get(node.id);
    return to === undefined || (to.x === node.position.x && to.y === node.position.y)
      ? node
      : { ...node, position: to };
  });
}

export function updateNode(document: FlowDocument, id: string, change: (node: DocNode) => DocNode): FlowDocument {
  return changeNodes(document, (node) => (node.id === id ? change(node) : node));
}

export function setLabel(node: DocNode, label: string): DocNode {
  if ((node.label ?? "") === label) return node;
  const { label: _, ...rest } = node;
  return label === "" ? rest : { ...rest, label };
}

export function setConfig(node: DocNode, config: JsonObject): DocNode {
  return sameJson(node.config, config) ? node : { ...node, config };
}

/** `undefined` takes the constant away; `null` is a value. */
export function setConstant(node: DocNode, pin: string, value: unknown): DocNode {
  if (Object.hasOwn(node.constants, pin) ? sameJson(node.constants[pin], value) : value === undefined) return node;
  return { ...node, constants: withEntry(node.constants, pin, value) };
}

export function setPolicy(node: DocNode, policy: JsonObject): DocNode {
  if (sameJson(node.policy ?? {}, policy)) return node;
  const { policy: _, ...rest } = node;
  return Object.keys(policy).length === 0 ? rest : { ...rest, policy };
}

/** Gives a node another id, its edges with it. The id must be free. */
export function renameNode(document: FlowDocument, from: string, to: string): FlowDocument {
  if (from === to) return document;
  return {
    ...document,
    nodes: document.nodes.map((node) => (node.id === from ? { ...node, id: to } : node)),
    edges: document.edges.map((edge) =>
      edge.source !== from && edge.target !== from
        ? edge
        : {
            ...edge,
            source: edge.source === from ? to : edge.source,
            target: edge.target === from ? to : edge.target,
          },
    ),
  };
}

function changeNodes(document: FlowDocument, change: (node: DocNode) => DocNode): FlowDocument {
  let changed = false;
  const nodes = document.nodes.map((node) => {
    const next = change(node);
    changed ||= next !== node;
    return next;
  });
  return changed ? { ...document, nodes } : document;
}
