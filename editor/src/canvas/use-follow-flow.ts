/** Moves the canvas to another flow when one is opened, and offers its view to what lies outside of it. */
import { useReactFlow } from "@xyflow/react";
import { useEffect } from "react";
import { geometryOf } from "../model/node-geometry.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { setViewport } from "./viewport.ts";

export function useFollowFlow(): void {
  const flow = useReactFlow();
  const frozen = useView((view) => view.frozen);
  useEffect(() => {
    setViewport({
      fit: () => void flow.fitView({ padding: 0.15, maxZoom: 1.1, duration: 200 }),
      zoom: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: 120 }),
      center: () => {
        const box = document.querySelector(".canvas")?.getBoundingClientRect();
        return flow.screenToFlowPosition({
          x: (box?.left ?? 0) + (box?.width ?? 0) / 2,
          y: (box?.top ?? 0) + (box?.height ?? 0) / 2,
        });
      },
      toScreen: (at) => flow.flowToScreenPosition(at),
      toFlow: (at) => flow.screenToFlowPosition(at),
      show: (ids) => showNodes(flow, ids),
    });
  }, [flow]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another flow is shown, whichever it is
  useEffect(() => {
    requestAnimationFrame(() => void flow.fitView({ padding: 0.15, maxZoom: 1.1 }));
  }, [flow, frozen]);
}

function showNodes(flow: ReturnType<typeof useReactFlow>, ids: readonly string[]): void {
  const { document, views } = shownFlow();
  const wanted = new Set(ids);
  const boxes = document.nodes.flatMap((node) => {
    const view = wanted.has(node.id) ? views.get(node.id) : undefined;
    return view === undefined ? [] : [{ ...node.position, ...geometryOf(view) }];
  });
  if (boxes.length === 0) return;
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y));
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  const zoom = boxes.length === 1 ? Math.max(0.8, Math.min(1.2, flow.getZoom())) : undefined;
  if (zoom === undefined) {
    void flow.fitBounds(
      { x: left, y: top, width: right - left, height: bottom - top },
      { padding: 0.3, duration: 250 },
    );
  } else {
    void flow.setCenter((left + right) / 2, (top + bottom) / 2, { zoom, duration: 250 });
  }
}
