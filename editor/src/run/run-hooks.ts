/** What the canvas, the inspector and the shell ask of the shown run. */
import type { ActivationFrame, EdgeState, NodeFrame, NodeState } from "./frame.ts";
import { useRun } from "./run-store.ts";

const GOES_ON: ReadonlySet<NodeState> = new Set(["ready", "running", "waiting", "held"]);

/** Undefined: no run is shown, or nothing has reached the node. */
export function useNodeRun(id: string): NodeFrame | undefined {
  return useRun(({ shown }) => shown?.cursor.node(id));
}

export function useNodeRunState(id: string): NodeState | undefined {
  return useRun(({ shown }) => (shown ? (shown.cursor.node(id)?.state ?? "pending") : undefined));
}

/** Undefined: no run is shown. `active`: taken, and what it leads to has not settled. */
export function useEdgeRunState(id: string): EdgeState | "active" | undefined {
  return useRun(({ shown }) => {
    if (!shown) return undefined;
    const state = shown.cursor.edge(id)?.state ?? "open";
    const target = state === "taken" ? shown.frames.targetOf(id) : undefined;
    const reached = target === undefined ? undefined : shown.cursor.node(target)?.state;
    return reached !== undefined && GOES_ON.has(reached) ? "active" : state;
  });
}

/** The activation of a node that is looked at: the one that was picked, else its latest. */
export function usePickedActivation(id: string): ActivationFrame | undefined {
  return useRun(({ shown, picked }) => {
    const key = picked.get(id);
    const chosen = key === undefined ? undefined : shown?.cursor.activation(id, key);
    return chosen ?? shown?.cursor.node(id)?.latest;
  });
}
