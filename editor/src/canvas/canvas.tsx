/** The canvas: what is drawn is the shown flow; what people do with the mouse becomes edits. */
import {
  Background,
  BackgroundVariant,
  type Connection,
  type EdgeChange,
  type FinalConnectionState,
  MiniMap,
  type NodeChange,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { useCallback, useMemo, useState } from "react";
import type { PinAt } from "../model/connection-rules.ts";
import { checkWire } from "../model/connection-rules.ts";
import type { Wire as WireEnds } from "../model/edit-edges.ts";
import { moveNodes } from "../model/edit-nodes.ts";
import type { Point } from "../model/flow-document.ts";
import { GRID } from "../model/node-geometry.ts";
import { categoryColor } from "../model/pin-colors.ts";
import { edit } from "../stores/document-store.ts";
import { useSettings } from "../stores/settings-store.ts";
import { shownFlow, useNodeViews, useShownDocument } from "../stores/shown-flow.ts";
import { toast } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { type CanvasEdge, type CanvasNode, edgeElements, nodeElements } from "./canvas-elements.ts";
import { CanvasToolbar } from "./canvas-toolbar.tsx";
import { ConnectionLine } from "./connection-line.tsx";
import { drawWire, pinFor } from "./edit-actions.ts";
import { EmptyHint } from "./empty-hint.tsx";
import { FlowNode } from "./flow-node.tsx";
import { FrozenBanner } from "./frozen-banner.tsx";
import { NodeMenu, type OpenMenu } from "./node-menu.tsx";
import { NodeSearchPopup } from "./node-search.tsx";
import { useDrops } from "./use-drops.ts";
import { useFollowFlow } from "./use-follow-flow.ts";
import { Wire } from "./wire.tsx";
import { wireBetween } from "./wire-ends.ts";

const nodeTypes = { flow: FlowNode };
const edgeTypes = { wire: Wire };
const snapGrid: [number, number] = [GRID, GRID];
/** Zoom below which nothing in a node can be read. */
const FAR = 0.4;
const proOptions = { hideAttribution: true };

export function Canvas() {
  const document = useShownDocument();
  const views = useNodeViews();
  const { selectedNodes, selectedEdges, dragged, dropEdge, frozen } = useView();
  const { snap, minimap, drag, theme } = useSettings();
  const [buildNodes] = useState(nodeElements);
  const [buildEdges] = useState(edgeElements);
  const [menu, setMenu] = useState<OpenMenu>();
  const [drawing, setDrawing] = useState<string>();
  const nodes = buildNodes({ document, views, selectedNodes, dragged });
  const edges = useMemo(
    () => buildEdges({ document, views, selectedNodes, selectedEdges, dropEdge }),
    [buildEdges, document, views, selectedNodes, selectedEdges, dropEdge],
  );
  const { screenToFlowPosition } = useReactFlow();
  const isFar = useStore((store) => store.transform[2] < FAR);
  const drops = useDrops();
  useFollowFlow();

  const openSearch = useCallback(
    (screen: Point, from?: PinAt) => {
      if (useView.getState().frozen !== undefined) return;
      useView
        .getState()
        .openSearch({ screen, flow: screenToFlowPosition(screen), ...(from === undefined ? {} : { from }) });
    },
    [screenToFlowPosition],
  );

  const onConnectEnd = useCallback(
    (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      setDrawing(undefined);
      const { fromHandle, toHandle, toNode, isValid } = state;
      if (isValid === true || fromHandle === null) return;
      const from: PinAt = { node: fromHandle.nodeId, handle: fromHandle.id ?? "", side: fromHandle.type };
      if (toHandle !== null)
        return refuse(from, { node: toHandle.nodeId, handle: toHandle.id ?? "", side: toHandle.type });
      const screen = pointOf(event);
      const onto = toNode?.id ?? nodeAt(screen);
      if (onto !== undefined) {
        const pin = pinFor(onto, from);
        const wire = pin && wireBetween(from, { node: onto, handle: pin.handle, side: pin.side });
        if (wire !== undefined) drawWire(wire);
        else if (onto !== from.node) toast("error", "No pin of this node takes that wire");
        return;
      }
      if (isOnPane(screen)) openSearch(screen, from);
    },
    [openSearch],
  );

  return (
    <section
      className="canvas"
      aria-label="Canvas"
      data-drawing={drawing}
      data-mode={drag}
      data-far={isFar}
      data-frozen={frozen !== undefined}
      {...drops}
    >
      <ReactFlow<CanvasNode, CanvasEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        colorMode={theme}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onConnect={onConnect}
        onConnectStart={(_, { handleId, handleType, nodeId }) => setDrawing(drawingOf(nodeId, handleId, handleType))}
        onConnectEnd={onConnectEnd}
        onReconnect={(edge, connection) => drawWire(wireOf(connection), edge.id)}
        isValidConnection={isValidConnection}
        connectionLineComponent={ConnectionLine}
        connectionRadius={24}
        edgesReconnectable={frozen === undefined}
        reconnectRadius={14}
        nodesDraggable={frozen === undefined}
        nodesConnectable={frozen === undefined}
        onlyRenderVisibleElements
        elevateNodesOnSelect
        snapToGrid={snap}
        snapGrid={snapGrid}
        minZoom={0.08}
        maxZoom={2}
        deleteKeyCode={null}
        selectionMode={SelectionMode.Partial}
        selectionOnDrag={drag === "select"}
        panOnDrag={drag === "select" ? [1, 2] : [0, 1]}
        panActivationKeyCode="Space"
        multiSelectionKeyCode={["Shift", "Control", "Meta"]}
        selectionKeyCode="Shift"
        zoomOnDoubleClick={false}
        onPaneClick={() => setMenu(undefined)}
        onDoubleClick={(event) => {
          if (isOnPane(pointOf(event.nativeEvent))) openSearch(pointOf(event.nativeEvent));
        }}
        onPaneContextMenu={(event) => {
          event.preventDefault();
          openSearch({ x: event.clientX, y: event.clientY });
        }}
        onNodeContextMenu={(event, node) => {
          event.preventDefault();
          if (!useView.getState().selectedNodes.has(node.id)) useView.getState().select([node.id], []);
          setMenu({ screen: { x: event.clientX, y: event.clientY }, node: node.id });
        }}
        proOptions={proOptions}
      >
        <Background variant={BackgroundVariant.Dots} gap={2 * GRID} size={1.4} color="var(--grid)" />
        {minimap && nodes.length > 0 ? (
          <MiniMap<CanvasNode>
            pannable
            zoomable
            ariaLabel="Mini map"
            nodeColor={(node) => categoryColor(node.data.view.category)}
            nodeStrokeWidth={0}
            bgColor="var(--surface)"
            maskColor="var(--minimap-mask)"
          />
        ) : null}
      </ReactFlow>
      <FrozenBanner />
      <CanvasToolbar />
      {document.nodes.length === 0 ? <EmptyHint /> : null}
      <NodeSearchPopup />
      {menu === undefined ? null : <NodeMenu menu={menu} close={() => setMenu(undefined)} />}
    </section>
  );
}

function onNodesChange(changes: readonly NodeChange<CanvasNode>[]): void {
  const { selectedNodes, selectedEdges, dragged, select } = useView.getState();
  const picked = new Set(selectedNodes);
  const moving = new Map(dragged);
  const dropped = new Map<string, Point>();
  let isDragging = false;
  for (const change of changes) {
    if (change.type === "select") {
      if (change.selected) picked.add(change.id);
      else picked.delete(change.id);
    } else if (change.type === "position" && change.position !== undefined) {
      if (change.dragging === true) {
        isDragging = true;
        moving.set(change.id, change.position);
      } else {
        dropped.set(change.id, change.position);
      }
    }
  }
  select(picked, selectedEdges);
  if (isDragging) useView.setState({ dragged: moving });
  if (dropped.size > 0) {
    const places = new Map([...dropped].map(([id, at]) => [id, { x: Math.round(at.x), y: Math.round(at.y) }]));
    // With the keyboard every press is a change of its own: those in a row are one step.
    edit((document) => moveNodes(document, places), dragged === undefined ? "move" : undefined);
    useView.setState({ dragged: undefined });
  }
}

function onEdgesChange(changes: readonly EdgeChange<CanvasEdge>[]): void {
  const { selectedNodes, selectedEdges, select } = useView.getState();
  const picked = new Set(selectedEdges);
  for (const change of changes) {
    if (change.type !== "select") continue;
    if (change.selected) picked.add(change.id);
    else picked.delete(change.id);
  }
  select(selectedNodes, picked);
}

function onConnect(connection: Connection): void {
  drawWire(wireOf(connection));
}

function wireOf({ source, sourceHandle, target, targetHandle }: Connection): WireEnds {
  return { source, sourceHandle: sourceHandle ?? "", target, targetHandle: targetHandle ?? "" };
}

function isValidConnection(connection: Connection | CanvasEdge): boolean {
  const { document, views, types } = shownFlow();
  const { source, target, sourceHandle = null, targetHandle = null } = connection;
  const moving = "id" in connection ? connection.id : undefined;
  return checkWire(document, views, types, wireOf({ source, target, sourceHandle, targetHandle }), moving).allowed;
}

/** A wire that ends on a pin which does not take it: says why. */
function refuse(from: PinAt, to: PinAt): void {
  if (from.node === to.node && from.handle === to.handle && from.side === to.side) return;
  const wire = wireBetween(from, to);
  if (wire === undefined) toast("error", "A wire goes from an output to an input");
  else drawWire(wire);
}

/** For the style sheet: pins that a wire from here cannot end on step back. */
function drawingOf(node: string | null, handle: string | null, side: string | null): string | undefined {
  const kind = handle?.startsWith("exec-") === true ? "exec" : "data";
  return node === null ? undefined : `${side} ${kind}`;
}

function pointOf(event: MouseEvent | TouchEvent): Point {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
}

function isOnPane({ x, y }: Point): boolean {
  const hit = window.document.elementFromPoint(x, y);
  return hit?.classList.contains("react-flow__pane") === true || hit?.closest(".react-flow__edges") != null;
}

function nodeAt({ x, y }: Point): string | undefined {
  const hit = window.document.elementFromPoint(x, y)?.closest<HTMLElement>(".react-flow__node");
  return hit?.dataset.id;
}
