/** The problems of what the canvas shows. A past flow has none: what is checked is the one that is edited. */
import { type Problem, useProblems } from "./problems-store.ts";
import { useView } from "./view-store.ts";

export function useNodeProblems(id: string): readonly Problem[] | undefined {
  const isFrozen = useView((view) => view.frozen !== undefined);
  const problems = useProblems((state) => state.byNode.get(id));
  return isFrozen ? undefined : problems;
}

export function useEdgeProblems(id: string): readonly Problem[] | undefined {
  const isFrozen = useView((view) => view.frozen !== undefined);
  const problems = useProblems((state) => state.byEdge.get(id));
  return isFrozen ? undefined : problems;
}
