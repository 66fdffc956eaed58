/**
 * Where runs plug into the editor. The shell mounts `RunControls` in the top bar, `RunPanel` in the bottom panel's tab
 * "Run", `RunDialogs` once; the canvas mounts `RunNodeOverlay` in each node and asks `useNodeRunState` and
 * `useEdgeRunState` for its colours; the inspector mounts `RunNodeDetails` over the selected node's form.
 */

export { runShortcuts, useEdgeRunState, useNodeRunState } from "./run-hooks.ts";
export { type RunState, useRun } from "./run-store.ts";
export { RunControls, RunDialogs, RunNodeDetails, RunNodeOverlay, RunPanel } from "./slots.tsx";
