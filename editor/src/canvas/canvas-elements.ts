/**
 * Nodes and edges as React Flow takes them. An element stays the same object until something of it changes: React Flow
 * and the memoised components draw again only what is new.
 */
import { type Edge, type Node, type NodeHandle, Position } from "@xyflow/react";
import type { DocEdge, FlowDocument, Point } from "../model/flow-document.ts";
import { edgeKind } from "../model/handle-ids.ts";
import { geometryOf, pinKey } from "../model/node-geometry.ts";
import { type NodeView, type PinView, pinLabel } from "../model/node-view.ts";
import { pinColor } from "../model/pin-colors.ts";

export type CanvasNode = Node<{ readonly view: NodeView }, "flow">;
export type CanvasEdge = Edge<{ readonly kind: "exec" | "data"; readonly color: string }, "wire">;

/** Half of a handle, px: wires end at its border. styles/nodes.css draws it as large, and its hit area larger. */
const HANDLE = 5;

export interface Shown {
  readonly document: FlowDocument;
  readonly views: ReadonlyMap<string, NodeView>;
  readonly selectedNodes: ReadonlySet<string>;
  readonly dragged: ReadonlyMap<string, Point> | undefined;
}

export function nodeElements(): (shown: Shown) => CanvasNode[] {
  let known = new Map<string, CanvasNode>();
  return ({ document, views, selectedNodes, dragged }) => {
    const next = new Map<string, CanvasNode>();
    for (const node of document.nodes) {
      const view = views.get(node.id);
      if (view === undefined) continue;
      const position = dragged?.get(node.id) ?? node.position;
      const selected = selectedNodes.has(node.id);
      const before = known.get(node.id);
      const holds =
        before?.data.view === view &&
        before.selected === selected &&
        before.position.x === position.x &&
        before.position.y === position.y;
      next.set(
        node.id,
        holds && before !== undefined ? before : nodeElement(node.id, view, position, selected, before),
      );
    }
    known = next;
    return [...next.values()];
  };
}

function nodeElement(
  id: string,
  view: NodeView,
  position: Point,
  selected: boolean,
  before: CanvasNode | undefined,
): CanvasNode {
  if (before?.data.view === view) return { ...before, position: { ...position }, selected };
  const { width, height } = geometryOf(view);
  return {
    id,
    type: "flow",
    position: { ...position },
    data: { view },
    selected,
    width,
    height,
    measured: { width, height },
    handles: handlesOf(view),
    ariaLabel: `Node ${view.title}, ${view.subtitle}, id ${id}`,
  };
}

function handlesOf(view: NodeView): NodeHandle[] {
  const { pins } = geometryOf(view);
  return [...view.left, ...view.right, ...view.failure].map((pin) => {
    const at = pins.get(pinKey(pin)) ?? { x: 0, y: 0 };
    return {
      id: pin.handle,
      type: pin.side,
      position: positionOf(view, pin),
      x: at.x - HANDLE,
      y: at.y - HANDLE,
      width: 2 * HANDLE,
      height: 2 * HANDLE,
    };
  });
}

export function positionOf(view: NodeView, pin: PinView): Position {
  if (view.failure.includes(pin)) return Position.Bottom;
  return pin.side === "target" ? Position.Left : Position.Right;
}

/** Drawn over the others: wires of what is selected. */
const FRONT = 1;

export function edgeElements(): (
  shown: Omit<Shown, "dragged"> & {
    readonly selectedEdges: ReadonlySet<string>;
    readonly dropEdge: string | undefined;
  },
) => CanvasEdge[] {
  let known = new Map<string, { edge: DocEdge; element: CanvasEdge }>();
  return ({ document, views, selectedNodes, selectedEdges, dropEdge }) => {
    const next: typeof known = new Map();
    for (const edge of document.edges) {
      const source = views.get(edge.source);
      const target = views.get(edge.target);
      if (source === undefined || target === undefined) continue;
      const kind = edgeKind(edge);
      const pin = source.right.find((one) => one.handle === edge.sourceHandle);
      const color = pin === undefined && kind === "data" ? "var(--pin-dict)" : pinColor(kind, pin?.type);
      const selected = selectedEdges.has(edge.id);
      const zIndex = selected || selectedNodes.has(edge.source) || selectedNodes.has(edge.target) ? FRONT : 0;
      const className = dropEdge === edge.id ? "wire-drop" : "";
      const ariaLabel = ariaLabelOf(kind, edge, source, target);
      const before = known.get(edge.id);
      const holds =
        before?.edge === edge &&
        before.element.selected === selected &&
        before.element.zIndex === zIndex &&
        before.element.className === className &&
        before.element.data?.color === color &&
        before.element.ariaLabel === ariaLabel;
      next.set(
        edge.id,
        holds && before !== undefined
          ? before
          : {
              edge,
              element: {
                id: edge.id,
                type: "wire",
                source: edge.source,
                sourceHandle: edge.sourceHandle,
                target: edge.target,
                targetHandle: edge.targetHandle,
                data: { kind, color },
                selected,
                zIndex,
                className,
                ariaLabel,
              },
            },
      );
    }
    known = next;
    return [...next.values()].map(({ element }) => element);
  };
}

function ariaLabelOf(kind: string, edge: DocEdge, source: NodeView, target: NodeView): string {
  const from = [...source.right, ...source.failure].find((pin) => pin.handle === edge.sourceHandle);
  const to = target.left.find((pin) => pin.handle === edge.targetHandle);
  const named = (view: NodeView, pin: PinView | undefined) =>
    pin === undefined || pinLabel(pin) === "" ? view.title : `${view.title} ${pin.name}`;
  return `${kind} wire from ${named(source, from)} to ${named(target, to)}`;
}
