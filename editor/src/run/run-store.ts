/** What the canvas shows of a run: the state of each node and edge as of one frame, and the breakpoints that are set. */
import { create } from "zustand";
import type { EdgeFrame, NodeFrame } from "./frame.ts";

export interface RunState {
  /** The run that is shown; undefined: the canvas shows the flow alone. */
  readonly runId: string | undefined;
  /** A node that nothing happened to stays the same object from frame to frame. */
  readonly nodes: ReadonlyMap<string, NodeFrame>;
  readonly edges: ReadonlyMap<string, EdgeFrame>;
  readonly breakpoints: ReadonlySet<string>;
}

export const useRun = create<RunState>()(() => ({
  runId: undefined,
  nodes: new Map(),
  edges: new Map(),
  breakpoints: new Set(),
}));
