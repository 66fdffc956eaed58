/** What the canvas and the shell ask of the shown run, one node or edge at a time. */
import type { EdgeState, NodeState } from "./frame.ts";
import { useRun } from "./run-store.ts";

/** Undefined: no run is shown, or nothing is known of the node. */
export function useNodeRunState(id: string): NodeState | undefined {
  return useRun((run) => run.nodes.get(id)?.state);
}

export function useEdgeRunState(id: string): EdgeState | undefined {
  return useRun((run) => run.edges.get(id)?.state);
}

export interface RunShortcut {
  /** As in `Mod+Enter`; Mod is Ctrl, or Command on a Mac. */
  readonly keys: string;
  readonly title: string;
  readonly run: () => void;
}

/** Listed in the help sheet and bound by the shell. */
export const runShortcuts: readonly RunShortcut[] = [];
