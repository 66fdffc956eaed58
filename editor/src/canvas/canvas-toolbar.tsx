/** What is at hand on the canvas: undo, view, layout. */
import { useStore } from "zustand";
import { IconButton } from "../shell/icon-button.tsx";
import { modKey } from "../shell/shortcut-keys.ts";
import { redo, undo, useDocument } from "../stores/document-store.ts";
import { changeSettings, useSettings } from "../stores/settings-store.ts";
import { useView } from "../stores/view-store.ts";
import { layoutNow } from "./auto-layout.ts";
import { viewport } from "./viewport.ts";

export function CanvasToolbar() {
  const { drag, snap, minimap } = useSettings();
  const frozen = useView((view) => view.frozen !== undefined);
  const canUndo = useStore(useDocument.temporal, (history) => history.pastStates.length > 0);
  const canRedo = useStore(useDocument.temporal, (history) => history.futureStates.length > 0);
  return (
    <div className="canvas-toolbar" role="toolbar" aria-label="Canvas tools">
      <IconButton icon="undo" label={`Undo (${modKey}Z)`} disabled={!canUndo || frozen} onClick={undo} />
      <IconButton icon="redo" label={`Redo (${modKey}Shift+Z)`} disabled={!canRedo || frozen} onClick={redo} />
      <hr />
      <IconButton
        icon="hand"
        label="Drag moves the canvas (H)"
        pressed={drag === "pan"}
        onClick={() => changeSettings({ drag: "pan" })}
      />
      <IconButton
        icon="marquee"
        label="Drag selects (V)"
        pressed={drag === "select"}
        onClick={() => changeSettings({ drag: "select" })}
      />
      <hr />
      <IconButton icon="zoomIn" label="Zoom in (+)" onClick={() => viewport()?.zoom(1.25)} />
      <IconButton icon="zoomOut" label="Zoom out (-)" onClick={() => viewport()?.zoom(0.8)} />
      <IconButton icon="fit" label="Show the whole flow (F)" onClick={() => viewport()?.fit()} />
      <hr />
      <IconButton icon="layout" label="Arrange nodes (L)" disabled={frozen} onClick={() => void arrange()} />
      <IconButton
        icon="magnet"
        label="Snap to the grid (G)"
        pressed={snap}
        onClick={() => changeSettings({ snap: !snap })}
      />
      <IconButton
        icon="map"
        label="Mini map (M)"
        pressed={minimap}
        onClick={() => changeSettings({ minimap: !minimap })}
      />
    </div>
  );
}

export async function arrange(): Promise<void> {
  const { selectedNodes } = useView.getState();
  if ((await layoutNow(selectedNodes)) && selectedNodes.size < 2) requestAnimationFrame(() => viewport()?.fit());
}
