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
      fit: () => fitFlow(flow, glide(200)),
      zoom: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: glide(120) }),
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
    requestAnimationFrame(() => fitFlow(flow, 0));
  }, [flow, frozen]);
}

/** How long a movement of the view takes, ms: none for who wants none. */
function glide(ms: number): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : ms;
}

/** Around the flow. The tools lie over the canvas' lower end: nothing of the flow comes to lie under them. */
const AIR = { x: "40px", top: "40px", bottom: "84px" } as const;

/** An empty flow has its own view: a fit that is asked for before there are nodes would come with the first of them. */
function fitFlow(flow: ReturnType<typeof useReactFlow>, duration: number): void {
  const isEmpty = shownFlow().document.nodes.length === 0;
  void (isEmpty ? flow.setViewport({ x: 0, y: 0, zoom: 1 }) : flow.fitView({ padding: AIR, maxZoom: 1.1, duration }));
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
      { padding: 0.3, duration: glide(250) },
    );
  } else {
    void flow.setCenter((left + right) / 2, (top + bottom) / 2, { zoom, duration: glide(250) });
  }
}
