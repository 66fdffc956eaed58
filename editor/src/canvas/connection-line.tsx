/** The wire while it is drawn, with the reason beside it when it may not end where the pointer is. */
import { type ConnectionLineComponentProps, getBezierPath, useStore } from "@xyflow/react";
import { checkWire, findPin } from "../model/connection-rules.ts";
import { pinColor } from "../model/pin-colors.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import type { CanvasNode } from "./canvas-elements.ts";
import { wireBetween } from "./wire-ends.ts";

export function ConnectionLine({
  fromNode,
  fromHandle,
  toHandle,
  fromX,
  fromY,
  toX,
  toY,
  fromPosition,
  toPosition,
}: ConnectionLineComponentProps<CanvasNode>) {
  const { document, views, types } = shownFlow();
  // The reason is read at the size of all other text, however far away the flow is.
  const zoom = useStore((store) => store.transform[2]);
  const from = { node: fromNode.id, handle: fromHandle.id ?? "", side: fromHandle.type };
  const pin = findPin(views, from);
  const to = toHandle === null ? undefined : { node: toHandle.nodeId, handle: toHandle.id ?? "", side: toHandle.type };
  const wire = to === undefined ? undefined : wireBetween(from, to);
  const isSame = to?.node === from.node && to.handle === from.handle && to.side === from.side;
  const verdict = wire === undefined ? undefined : checkWire(document, views, types, wire);
  const sameSide = to !== undefined && wire === undefined && !isSame;
  const reason = sameSide
    ? `A wire goes from an output to an input, these are both ${from.side === "source" ? "outputs" : "inputs"}`
    : verdict?.allowed === false
      ? verdict.reason
      : undefined;
  const [path] = getBezierPath({
    sourceX: fromX,
    sourceY: fromY,
    sourcePosition: fromPosition,
    targetX: toX,
    targetY: toY,
    targetPosition: toPosition,
  });
  const color = reason === undefined ? pinColor(pin?.kind ?? "data", pin?.type) : "var(--error)";
  return (
    <g>
      <path d={path} className={`wire wire-drawn wire-${pin?.kind ?? "data"}`} style={{ stroke: color }} />
      {reason === undefined ? null : (
        <g transform={`translate(${toX + 12 / zoom} ${toY + 12 / zoom}) scale(${1 / zoom})`}>
          <foreignObject width="320" height="90" className="wire-reason-box">
            <div className="wire-reason">{reason}</div>
          </foreignObject>
        </g>
      )}
    </g>
  );
}
