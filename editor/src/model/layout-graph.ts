/** A flow as the layout engine takes it, and what it answers as positions. */
import type { ElkNode } from "elkjs/lib/elk-api.js";
import type { FlowDocument, Point } from "./flow-document.ts";
import { edgeKind } from "./handle-ids.ts";
import { GRID, geometryOf } from "./node-geometry.ts";
import type { NodeView } from "./node-view.ts";

/** From left to right; exec wires run straight where they can. Only these nodes, when they are given. */
export function layoutGraph(
  document: FlowDocument,
  views: ReadonlyMap<string, NodeView>,
  only?: ReadonlySet<string>,
): ElkNode {
  const isIn = (id: string) => only === undefined || only.has(id);
  const nodes = document.nodes.filter((node) => isIn(node.id));
  return {
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.spacing.nodeNode": "40",
      "elk.layered.spacing.nodeNodeBetweenLayers": "80",
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      "elk.layered.nodePlacement.favorStraightEdges": "true",
      "elk.layered.crossingMinimization.forceNodeModelOrder": "false",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.separateConnectedComponents": "true",
      "elk.spacing.componentComponent": "80",
    },
    children: nodes.flatMap((node) => {
      const view = views.get(node.id);
      if (view === undefined) return [];
      const { width, height, pins } = geometryOf(view);
      return {
        id: node.id,
        width,
        height,
        layoutOptions: { "elk.portConstraints": "FIXED_POS" },
        ports: [...pins].map(([key, at]) => ({
          id: portId(node.id, key),
          x: at.x,
          y: at.y,
          width: 0,
          height: 0,
          layoutOptions: { "elk.port.side": at.y === height ? "SOUTH" : at.x === 0 ? "WEST" : "EAST" },
        })),
      };
    }),
    edges: document.edges
      .filter((edge) => isIn(edge.source) && isIn(edge.target))
      .map((edge) => ({
        id: edge.id,
        sources: [portId(edge.source, `source ${edge.sourceHandle}`)],
        targets: [portId(edge.target, `target ${edge.targetHandle}`)],
        layoutOptions: { "elk.layered.priority.straightness": edgeKind(edge) === "exec" ? "10" : "1" },
      })),
  };
}

function portId(node: string, pin: string): string {
  return `${node}\n${pin}`;
}

/** Positions on the grid; a part of a flow stays where its top left corner was. */
export function positionsFrom(laid: ElkNode, before: FlowDocument, only?: ReadonlySet<string>): Map<string, Point> {
  const children = laid.children ?? [];
  const moved = only === undefined ? undefined : before.nodes.filter((node) => only.has(node.id));
  const corner = moved === undefined ? { x: 0, y: 0 } : topLeft(moved.map((node) => node.position));
  const own = topLeft(children.map(({ x = 0, y = 0 }) => ({ x, y })));
  const snap = (value: number) => Math.round(value / GRID) * GRID;
  return new Map(
    children.map(({ id, x = 0, y = 0 }) => [id, { x: snap(x - own.x + corner.x), y: snap(y - own.y + corner.y) }]),
  );
}

function topLeft(points: readonly Point[]): Point {
  if (points.length === 0) return { x: 0, y: 0 };
  return { x: Math.min(...points.map(({ x }) => x)), y: Math.min(...points.map(({ y }) => y)) };
}
