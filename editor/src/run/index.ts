/**
 * Where runs plug into the editor. The shell mounts `RunControls` in the top bar, `RunPanel` in the bottom panel's tab
 * "Run", `RunDialogs` once; the canvas mounts `RunNodeOverlay` in each node and asks `useNodeRunState` and
 * `useEdgeRunState` for its colours; the inspector mounts `RunNodeDetails` over the selected node's form.
 */
import "./run-colors.css";
import "./run-parts.css";
import "./run-canvas.css";
import "./run-panel.css";
import "./run-details.css";
import "./run-dialogs.css";

export { RunControls } from "./run-controls.tsx";
export { RunDialogs } from "./run-dialogs.tsx";
export { useEdgeRunState, useNodeRunState } from "./run-hooks.ts";
export { RunNodeDetails } from "./run-node-details.tsx";
export { RunNodeOverlay } from "./run-node-overlay.tsx";
export { RunPanel } from "./run-panel.tsx";
export { type RunShortcut, runShortcuts } from "./run-shortcuts.ts";
export { type RunState, useRun } from "./run-store.ts";
