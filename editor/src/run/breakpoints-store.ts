/** The breakpoints of each flow, kept in the browser: they belong to who debugs, not to the flow. */
import { create } from "zustand";
import { persist } from "zustand/middleware";

interface Breakpoints {
  /** Node ids by the flow's name. */
  readonly byFlow: Readonly<Record<string, readonly string[]>>;
}

export const useBreakpoints = create<Breakpoints>()(
  persist((): Breakpoints => ({ byFlow: {} }), { name: "rayflow.breakpoints" }),
);

const NONE: readonly string[] = [];

export function breakpointsOf(flow: string): readonly string[] {
  const { byFlow } = useBreakpoints.getState();
  return Object.hasOwn(byFlow, flow) ? (byFlow[flow] ?? NONE) : NONE;
}

export function useHasBreakpoint(flow: string, node: string): boolean {
  return useBreakpoints(({ byFlow }) => Object.hasOwn(byFlow, flow) && byFlow[flow]?.includes(node) === true);
}

/** Sets what is not set, and the other way round. Gives all of the flow's. */
export function toggleBreakpoints(flow: string, nodes: readonly string[]): readonly string[] {
  const before = breakpointsOf(flow);
  const allSet = nodes.every((node) => before.includes(node));
  const after = allSet ? before.filter((node) => !nodes.includes(node)) : [...new Set([...before, ...nodes])];
  return setBreakpoints(flow, after);
}

export function setBreakpoints(flow: string, nodes: readonly string[]): readonly string[] {
  useBreakpoints.setState(({ byFlow }) => {
    const { [flow]: _, ...others } = byFlow;
    return { byFlow: nodes.length === 0 ? others : { ...others, [flow]: nodes } };
  });
  return nodes;
}
