/** What is dropped on the canvas: entries of the palette, and flow files. */
import { useReactFlow } from "@xyflow/react";
import { type DragEvent, useMemo } from "react";
import { importFile } from "../shell/import-flow.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { useView } from "../stores/view-store.ts";
import { placeNode } from "./edit-actions.ts";

/** The kind under which a palette entry carries its node type. */
export const PALETTE_ENTRY = "application/x-rayflow-node";

export function useDrops() {
  const { screenToFlowPosition } = useReactFlow();
  return useMemo(
    () => ({
      onDragOver: (event: DragEvent) => {
        const { types } = event.dataTransfer;
        if (!types.includes(PALETTE_ENTRY) && !types.includes("Files")) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        const dropEdge = types.includes(PALETTE_ENTRY) ? edgeNear(event.clientX, event.clientY) : undefined;
        if (useView.getState().dropEdge !== dropEdge) useView.setState({ dropEdge });
      },
      onDragLeave: (event: DragEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null))
          useView.setState({ dropEdge: undefined });
      },
      onDrop: (event: DragEvent) => {
        useView.setState({ dropEdge: undefined });
        const file = event.dataTransfer.files[0];
        const type = useCatalog.getState().types.get(event.dataTransfer.getData(PALETTE_ENTRY));
        if (file === undefined && type === undefined) return;
        event.preventDefault();
        if (file !== undefined) void importFile(file);
        if (type === undefined) return;
        const { x, y } = screenToFlowPosition({ x: event.clientX, y: event.clientY });
        const into = edgeNear(event.clientX, event.clientY);
        const round = (value: number) => Math.round(value / 10) * 10;
        placeNode(type, { at: { x: round(x - 80), y: round(y - 20) }, into });
      },
    }),
    [screenToFlowPosition],
  );
}

/** The wire at a point of the screen, a few pixels around it counting too. */
function edgeNear(x: number, y: number): string | undefined {
  for (const [dx, dy] of [
    [0, 0],
    [0, -10],
    [0, 10],
    [-10, 0],
    [10, 0],
  ] as const) {
    const edge = document.elementFromPoint(x + dx, y + dy)?.closest<SVGElement>(".react-flow__edge");
    if (edge?.dataset.id !== undefined) return edge.dataset.id;
  }
  return undefined;
}
