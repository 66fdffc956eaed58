/** What one validation shares between its checks, and what they tell each other to avoid reporting a mistake twice. */

import { type ExecWalk, execCycles, walkExec } from "./exec-walk.ts";
import type { Flow } from "./flow.ts";
import { type FlowIndex, type IndexedNode, indexFlow, type Link } from "./flow-index.ts";
import { type FlowIssue, type IssueLog, issueLog } from "./issue.ts";
import type { NodeTypes } from "./node-type.ts";
import { Regions } from "./regions.ts";
import { SequenceReach } from "./sequence.ts";

export interface CheckContext {
  readonly index: FlowIndex;
  readonly log: IssueLog;
  readonly starts: readonly IndexedNode[];
  readonly returns: readonly IndexedNode[];
  /** Nodes with an inbound edge that is broken and already reported: who knows what runs them. */
  readonly uncertain: ReadonlySet<IndexedNode>;
  /** `<node>\0<pin>` of inputs whose edge is broken and already reported. */
  readonly brokenInputs: ReadonlySet<string>;
  readonly cycles: readonly (readonly IndexedNode[])[];
  readonly cyclic: ReadonlySet<IndexedNode>;
  /** From START; from every node that nothing leads to when there is no START. */
  readonly walk: ExecWalk;
  readonly regions: Regions;
  readonly sequences: SequenceReach;
  /** Data edges that a check reported, which later checks leave out. */
  readonly reported: Set<Link>;
}

/** `earlier`: what was found when the flow was read, on edges that are no longer in it. */
export function checkContext(flow: Flow, types: NodeTypes, earlier: readonly FlowIssue[]): CheckContext {
  const index = indexFlow(flow, types);
  const starts = index.nodes.filter((node) => node.kind === "start");
  const returns = index.nodes.filter((node) => node.kind === "return");
  const uncertain = new Set<IndexedNode>();
  const brokenInputs = new Set<string>();
  for (const { edge_id, node_id, path } of earlier) {
    if (edge_id === undefined || node_id === undefined) continue;
    const node = index.byId.get(node_id);
    if (path?.startsWith("inputs.")) brokenInputs.add(inputKey(node_id, path.slice("inputs.".length)));
    if (node) uncertain.add(node);
  }
  for (const edge of index.dangling) {
    const target = index.byId.get(edge.target);
    if (target === undefined) continue;
    if (edge.kind === "data") brokenInputs.add(inputKey(edge.target, edge.target_pin));
    else uncertain.add(target);
  }
  const cycles = execCycles(index);
  const cyclic = new Set(cycles.flat());
  const heads = index.nodes.filter((node) => !node.pure && node.execIn.length === 0);
  const walk = walkExec([...(starts.length > 0 ? starts : heads), ...uncertain, ...cyclic].filter(isExec));
  const regions = new Regions(walk, uncertain);
  return {
    index,
    log: issueLog(),
    starts,
    returns,
    uncertain,
    brokenInputs,
    cycles,
    cyclic,
    walk,
    regions,
    sequences: new SequenceReach(regions, walk),
    reported: new Set(),
  };
}

export function inputKey(nodeId: string, pin: string): string {
  return `${nodeId}\0${pin}`;
}

function isExec(node: IndexedNode): boolean {
  return !node.pure;
}
