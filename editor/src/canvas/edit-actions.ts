/** What people do to the flow, each one step of the history. */
import type { NodeType } from "../../../flow/index.ts";
import { copyNodes, duplicateNodes, pasteText } from "../model/clipboard.ts";
import { checkWire, findPin, type PinAt, type Verdict } from "../model/connection-rules.ts";
import { connect, disconnect, reconnect, type Wire } from "../model/edit-edges.ts";
import { addNode, removeElements } from "../model/edit-nodes.ts";
import { bestPin, fittingPin, pinsBetween } from "../model/fitting-nodes.ts";
import type { FlowDocument, Point } from "../model/flow-document.ts";
import { namePins } from "../model/named-pins.ts";
import { nodeViews, type PinView } from "../model/node-view.ts";
import { edit } from "../stores/document-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { toast } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { wireBetween } from "./wire-ends.ts";

/** Says so, and gives true, when the canvas shows a past flow. */
export function refuseWhileFrozen(): boolean {
  const { frozen } = useView.getState();
  if (frozen !== undefined) toast("info", "This is a past run's flow: leave the run to edit");
  return frozen !== undefined;
}

/** Draws a wire if the rules allow it; a refusal is said aloud. `moving`: the edge that it takes the place of. */
export function drawWire(wire: Wire, moving?: string): Verdict {
  if (refuseWhileFrozen()) return { allowed: false, reason: "This flow is only shown" };
  const { document, views, types } = shownFlow();
  const verdict = checkWire(document, views, types, wire, moving);
  if (!verdict.allowed) {
    toast("error", verdict.reason);
    return verdict;
  }
  edit(() => {
    const named = namePins(document, views, wire);
    return moving === undefined ? connect(named.document, named.wire) : reconnect(named.document, moving, named.wire);
  });
  return verdict;
}

export interface Placement {
  readonly at: Point;
  /** The loose end that the new node is for. */
  readonly from?: PinAt | undefined;
  /** The wire that the new node goes into. */
  readonly into?: string | undefined;
}

/** Adds a node, wired to what it is for, and selects it. Gives its id. */
export function placeNode(type: NodeType, { at, from, into }: Placement): string | undefined {
  if (refuseWhileFrozen()) return undefined;
  let id: string | undefined;
  edit((before) => {
    const added = addNode(before, type, { x: Math.round(at.x), y: Math.round(at.y) });
    id = added.id;
    if (into !== undefined) return intoWire(added.document, added.id, type, into);
    return from === undefined ? added.document : toLooseEnd(added.document, added.id, type, from);
  });
  if (id !== undefined) useView.getState().select([id], []);
  return id;
}

function toLooseEnd(document: FlowDocument, id: string, type: NodeType, from: PinAt): FlowDocument {
  const views = nodeViews()(document, shownFlow().types);
  const pin = findPin(views, from);
  const other = pin === undefined ? undefined : fittingPin(type, pin);
  if (other === undefined) return document;
  const wire = wireBetween(from, { node: id, handle: other.handle, side: other.side });
  if (wire === undefined) return document;
  const named = namePins(document, views, wire);
  return connect(named.document, named.wire);
}

function intoWire(document: FlowDocument, id: string, type: NodeType, into: string): FlowDocument {
  const edge = document.edges.find((one) => one.id === into);
  const views = nodeViews()(document, shownFlow().types);
  if (edge === undefined) return document;
  const source = findPin(views, { node: edge.source, handle: edge.sourceHandle, side: "source" });
  const target = findPin(views, { node: edge.target, handle: edge.targetHandle, side: "target" });
  if (source === undefined || target === undefined) return document;
  const { in: input, out } = pinsBetween(type, source, target);
  const draw = (to: FlowDocument, wire: Wire): FlowDocument => {
    const named = namePins(to, nodeViews()(to, shownFlow().types), wire);
    return connect(named.document, named.wire);
  };
  // Where both ends fit, the wire itself makes way; else the node hangs on the end that does.
  let next = input !== undefined && out !== undefined ? disconnect(document, into) : document;
  if (input !== undefined) {
    next = draw(next, { source: edge.source, sourceHandle: edge.sourceHandle, target: id, targetHandle: input.handle });
  }
  if (out !== undefined) {
    next = draw(next, { source: id, sourceHandle: out.handle, target: edge.target, targetHandle: edge.targetHandle });
  }
  return next;
}

/** The pin of a node that a loose wire dropped on the node's body goes to. */
export function pinFor(node: string, from: PinAt): PinView | undefined {
  const { views } = shownFlow();
  const view = views.get(node);
  const pin = findPin(views, from);
  if (view === undefined || pin === undefined || node === from.node) return undefined;
  return bestPin(pin, [...view.left, ...view.right]);
}

export function deleteSelection(): void {
  const { selectedNodes, selectedEdges, select } = useView.getState();
  if (selectedNodes.size + selectedEdges.size === 0 || refuseWhileFrozen()) return;
  edit((document) => removeElements(document, selectedNodes, selectedEdges));
  select([], []);
}

export function duplicateSelection(): void {
  const { selectedNodes, select } = useView.getState();
  if (selectedNodes.size === 0 || refuseWhileFrozen()) return;
  let copies: ReadonlySet<string> = new Set();
  edit((document) => {
    const { document: next, nodes } = duplicateNodes(document, selectedNodes);
    copies = nodes;
    return next;
  });
  select(copies, []);
}

export function selectAll(): void {
  const { document } = shownFlow();
  useView.getState().select(
    document.nodes.map((node) => node.id),
    document.edges.map((edge) => edge.id),
  );
}

/** The selected nodes as text for the clipboard; undefined when none are selected. */
export function copySelection(): string | undefined {
  return copyNodes(shownFlow().document, useView.getState().selectedNodes);
}

/** Puts the flow in the text into this one, its middle at a point. Gives false when the text is no flow. */
export function pasteFlow(text: string, at: Point): boolean {
  if (refuseWhileFrozen()) return true;
  let pasted: ReadonlySet<string> | undefined;
  edit((document) => {
    const result = pasteText(document, text, { at });
    pasted = result?.nodes;
    return result?.document ?? document;
  });
  if (pasted !== undefined) useView.getState().select(pasted, []);
  return pasted !== undefined;
}
