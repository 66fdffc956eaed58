/**
 * What the canvas shows of a node: its pins as the engine resolves them, and those that the engine does not know but
 * an edge names. A node's view stays the same object until the node, its type or its edges change, so that dragging
 * one node draws no other again.
 */
import {
  EXEC_PIN,
  type ExecOutputs,
  FINISH_PIN,
  type FlowEdge,
  type FlowNode,
  formatPinType,
  type NodeType,
  type NodeTypes,
  type PinType,
  resolvePins,
} from "../../../flow/index.ts";
import type { DocEdge, DocNode, FlowDocument } from "./flow-document.ts";
import { parseHandle, type Side, sourceHandleOf, targetHandleOf } from "./handle-ids.ts";

export interface PinView {
  /** The handle's id: `input-x`. */
  readonly handle: string;
  readonly name: string;
  readonly side: Side;
  readonly kind: "exec" | "data";
  /** Of a data pin. */
  readonly type?: PinType;
  /** Written: `list[int]`; empty for exec. */
  readonly typeText: string;
  readonly description?: string;
  readonly required: boolean;
  readonly hasDefault: boolean;
  readonly default?: unknown;
  readonly connected: boolean;
  /** `new`: takes a wire and becomes a pin with a name; `unknown`: only an edge names it. */
  readonly special?: "new" | "unknown";
}

export interface NodeView {
  readonly node: DocNode;
  /** Undefined when nobody declared the node's type. */
  readonly type: NodeType | undefined;
  readonly title: string;
  readonly subtitle: string;
  readonly category: string;
  readonly left: readonly PinView[];
  readonly right: readonly PinView[];
  /** The exec and data outputs of a failure, at the bottom. */
  readonly failure: readonly PinView[];
}

/** The pin that stands for "another one", on nodes that take pins of any name. */
export const NEW_PIN = "+";
const ERROR_PIN = "error";

/** Gives the views of a document's nodes by id, reusing those that still hold. */
export function nodeViews(): (document: FlowDocument, types: NodeTypes) => ReadonlyMap<string, NodeView> {
  let known = new Map<string, { view: NodeView; edges: readonly DocEdge[] }>();
  let last: { document: FlowDocument; types: NodeTypes; views: ReadonlyMap<string, NodeView> } | undefined;
  return (document, types) => {
    if (last?.types === types && last.document.nodes === document.nodes && last.document.edges === document.edges) {
      return last.views;
    }
    const at = edgesByNode(document);
    const next: typeof known = new Map();
    for (const node of document.nodes) {
      const edges = at.get(node.id) ?? [];
      const type = types.get(node.type);
      const before = known.get(node.id);
      const holds =
        before !== undefined &&
        before.view.type === type &&
        sameNode(before.view.node, node) &&
        sameList(before.edges, edges);
      next.set(node.id, holds ? before : { view: viewOf(node, type, edges), edges });
    }
    known = next;
    const views = new Map([...next].map(([id, { view }]) => [id, view]));
    last = { document, types, views };
    return views;
  };
}

/** A node that only moved looks the same. */
function sameNode(a: DocNode, b: DocNode): boolean {
  return (
    a === b ||
    (a.id === b.id &&
      a.type === b.type &&
      a.label === b.label &&
      a.config === b.config &&
      a.constants === b.constants &&
      a.policy === b.policy)
  );
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}

function edgesByNode(document: FlowDocument): Map<string, DocEdge[]> {
  const at = new Map<string, DocEdge[]>();
  for (const edge of document.edges) {
    for (const id of edge.source === edge.target ? [edge.source] : [edge.source, edge.target]) {
      const list = at.get(id);
      if (list === undefined) at.set(id, [edge]);
      else list.push(edge);
    }
  }
  return at;
}

export function viewOf(node: DocNode, type: NodeType | undefined, edges: readonly DocEdge[]): NodeView {
  const title = node.label || type?.title || node.type;
  const base = { node, type, title, subtitle: subtitleOf(node, type, title), category: categoryOf(node.type, type) };
  const declared = type === undefined ? [] : declaredPins(node, type, edges);
  const known = new Set(declared.map((pin) => `${pin.side} ${pin.handle}`));
  const pins = [...declared, ...unknownPins(node, edges, known, type !== undefined)];
  const isFailure = (pin: PinView) => pin.side === "source" && pin.name === ERROR_PIN && type?.exec.error === true;
  return {
    ...base,
    left: pins.filter((pin) => pin.side === "target"),
    right: execFirst(pins.filter((pin) => pin.side === "source" && !isFailure(pin))),
    failure: pins.filter(isFailure),
  };
}

function declaredPins(node: DocNode, type: NodeType, edges: readonly DocEdge[]): PinView[] {
  const resolved = resolvePins(toFlowNode(node), type, edges.flatMap(toFlowEdge));
  const isConnected = (side: Side, handle: string) =>
    edges.some((edge) =>
      side === "source"
        ? edge.source === node.id && edge.sourceHandle === handle
        : edge.target === node.id && edge.targetHandle === handle,
    );
  const exec = (side: Side, name: string): PinView => {
    const handle =
      side === "source" ? sourceHandleOf({ kind: "exec", pin: name }) : targetHandleOf({ kind: "exec", pin: name });
    const connected = isConnected(side, handle);
    return { handle, name, side, kind: "exec", typeText: "", required: false, hasDefault: false, connected };
  };
  const data = (side: Side, name: string, pinType: PinType, more: Partial<PinView> = {}): PinView => {
    const handle =
      side === "source" ? sourceHandleOf({ kind: "data", pin: name }) : targetHandleOf({ kind: "data", pin: name });
    return {
      handle,
      name,
      side,
      kind: "data",
      type: pinType,
      typeText: formatPinType(pinType),
      required: false,
      hasDefault: false,
      connected: isConnected(side, handle),
      ...more,
    };
  };
  const pins: PinView[] = [];
  if (resolved.execIn) pins.push(exec("target", EXEC_PIN));
  for (const [name, input] of resolved.inputs) {
    const hasDefault = "default" in input;
    pins.push(
      data("target", name, input.type, {
        required: input.required,
        hasDefault,
        ...(hasDefault ? { default: input.default } : {}),
        ...described(type.inputs[name]?.description),
      }),
    );
  }
  if (resolved.openInputs) pins.push(data("target", NEW_PIN, ANY, { special: "new" }));
  for (const name of shownExecOutputs(type.exec.outputs, resolved.execOut)) pins.push(exec("source", name));
  for (const [name, pinType] of resolved.outputs) {
    pins.push(data("source", name, pinType, described(type.outputs[name]?.description)));
  }
  if (type.outputs_from_api_schema) pins.push(data("source", NEW_PIN, ANY, { special: "new" }));
  return pins;
}

const ANY: PinType = { type: "any" };

function described(text: string | undefined): { description?: string } {
  return text === undefined ? {} : { description: text };
}

/** Where the flow's edges make the pins, one more than they made, and two at least. */
function shownExecOutputs(outputs: ExecOutputs, resolved: readonly string[]): readonly string[] {
  if (outputs.from !== "edges") return resolved;
  const numbers = resolved
    .filter((pin) => pin.startsWith(outputs.prefix))
    .map((pin) => Number(pin.slice(outputs.prefix.length)));
  const count = Math.max(2, ...numbers.map((number) => number + 2));
  const shown = Array.from({ length: Math.min(count, 1000) }, (_, at) => `${outputs.prefix}${at}`);
  return [...shown, ...resolved.filter((pin) => !shown.includes(pin))];
}

/** Of an unknown type every pin is as good as known: which type it has is what is wrong. */
function unknownPins(
  node: DocNode,
  edges: readonly DocEdge[],
  known: ReadonlySet<string>,
  isWrong: boolean,
): PinView[] {
  const pins = new Map<string, PinView>();
  const add = (side: Side, handle: string) => {
    const key = `${side} ${handle}`;
    if (known.has(key) || pins.has(key)) return;
    const parsed = parseHandle(side, handle) ?? { kind: "data", pin: handle };
    pins.set(key, {
      handle,
      name: parsed.pin,
      side,
      kind: parsed.kind,
      ...(parsed.kind === "data" ? { type: ANY } : {}),
      typeText: parsed.kind === "data" ? "any" : "",
      required: false,
      hasDefault: false,
      connected: true,
      ...(isWrong ? { special: "unknown" as const } : {}),
    });
  };
  for (const edge of edges) {
    if (edge.source === node.id) add("source", edge.sourceHandle);
    if (edge.target === node.id) add("target", edge.targetHandle);
  }
  return [...pins.values()];
}

function execFirst(pins: readonly PinView[]): PinView[] {
  return [...pins.filter((pin) => pin.kind === "exec"), ...pins.filter((pin) => pin.kind === "data")];
}

function subtitleOf(node: DocNode, type: NodeType | undefined, title: string): string {
  const variable = node.config.variable_name;
  if (typeof variable === "string" && variable !== "") return `${type?.title ?? node.type}: ${variable}`;
  if (type === undefined) return `unknown type ${node.type}`;
  return title === type.title ? type.category : type.title;
}

export function categoryOf(type: string, known: NodeType | undefined): string {
  if (known?.kind === "start" || known?.kind === "return") return known.kind;
  return known?.category ?? type.split("_")[0] ?? "other";
}

/** What a person reads beside a pin. */
export function pinLabel(pin: PinView): string {
  if (pin.special === "new") return "add pin";
  if (pin.kind === "exec" && (pin.name === EXEC_PIN || pin.name === FINISH_PIN)) return "";
  return pin.name;
}

export function toFlowNode(node: DocNode): FlowNode {
  return { id: node.id, type: node.type, config: { ...node.config }, constants: { ...node.constants } };
}

function toFlowEdge(edge: DocEdge): FlowEdge[] {
  const from = parseHandle("source", edge.sourceHandle);
  const to = parseHandle("target", edge.targetHandle);
  if (from === undefined || to === undefined || from.kind !== to.kind) return [];
  const { id, source, target } = edge;
  return [{ id, kind: from.kind, source, source_pin: from.pin, target, target_pin: to.pin }];
}
