/** What the validator says of the document, sorted by where it is said. */
import { create } from "zustand";
import type { FlowIssue } from "../../../flow/index.ts";

export interface Problem extends FlowIssue {
  readonly severity: "error" | "warning";
}

interface ProblemsState {
  readonly problems: readonly Problem[];
  readonly errorCount: number;
  readonly byNode: ReadonlyMap<string, readonly Problem[]>;
  readonly byEdge: ReadonlyMap<string, readonly Problem[]>;
  /** Whether the document has been checked as it is now. */
  readonly current: boolean;
}

export const useProblems = create<ProblemsState>()(() => ({
  problems: [],
  errorCount: 0,
  byNode: new Map(),
  byEdge: new Map(),
  current: false,
}));

/** `current`: whether this is about the document as it is now. */
export function setProblems(errors: readonly FlowIssue[], warnings: readonly FlowIssue[], current = true): void {
  const before = useProblems.getState();
  const problems = [
    ...errors.map((issue): Problem => ({ ...issue, severity: "error" })),
    ...warnings.map((issue): Problem => ({ ...issue, severity: "warning" })),
  ];
  useProblems.setState({
    problems,
    errorCount: errors.length,
    // An issue of an edge is shown on the edge; its node only hears of it in the list.
    byNode: grouped(
      problems,
      (problem) => (problem.edge_id === undefined ? problem.node_id : undefined),
      before.byNode,
    ),
    byEdge: grouped(problems, (problem) => problem.edge_id, before.byEdge),
    current,
  });
}

/** Lists that say the same as before stay the same objects, so that only what changed is drawn again. */
function grouped(
  problems: readonly Problem[],
  key: (problem: Problem) => string | undefined,
  before: ReadonlyMap<string, readonly Problem[]>,
): ReadonlyMap<string, readonly Problem[]> {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const id = key(problem);
    if (id !== undefined) groups.set(id, [...(groups.get(id) ?? []), problem]);
  }
  return new Map(
    [...groups].map(([id, list]) => {
      const known = before.get(id);
      const isSame =
        known?.length === list.length &&
        known.every((one, at) => one.message === list[at]?.message && one.path === list[at]?.path);
      return [id, isSame && known !== undefined ? known : list];
    }),
  );
}
