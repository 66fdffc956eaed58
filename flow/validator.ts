/** FlowValidator: everything that is wrong about a flow, in one pass, each mistake once. */
import { checkContext } from "./check-context.ts";
import { checkExecCycles, checkReachable } from "./check-exec.ts";
import { checkLoops } from "./check-loops.ts";
import { checkNodes } from "./check-nodes.ts";
import { checkOrder } from "./check-order.ts";
import { checkEdgeTypes, checkPins } from "./check-pins.ts";
import { checkSkips } from "./check-skips.ts";
import { checkReturn, checkStructure } from "./check-structure.ts";
import { type Flow, MAX_EDGES, MAX_NODES } from "./flow.ts";
import { type FlowIssue, issueLog } from "./issue.ts";
import type { NodeTypes } from "./node-type.ts";
import { normalizeFlow } from "./normalize.ts";

export interface ValidationResult {
  readonly valid: boolean;
  readonly errors: FlowIssue[];
  readonly warnings: FlowIssue[];
}

/**
 * Checks a normalised flow. `issuesSoFar` are the errors that `normalizeFlow` found: they come first in the result, and
 * what follows from them is not reported again.
 */
export function validateFlow(flow: Flow, types: NodeTypes, issuesSoFar: readonly FlowIssue[] = []): ValidationResult {
  if (flow.nodes.length > MAX_NODES || flow.edges.length > MAX_EDGES) {
    const log = issueLog();
    log.error("LIMIT", `a flow may have ${MAX_NODES} nodes and ${MAX_EDGES} edges: move parts of it into subflows`);
    return { valid: false, errors: [...issuesSoFar, ...log.errors], warnings: [] };
  }
  const context = checkContext(flow, types, issuesSoFar);
  checkStructure(context);
  checkReturn(context);
  checkPins(context);
  checkNodes(context);
  checkEdgeTypes(context);
  checkExecCycles(context);
  checkReachable(context);
  checkLoops(context);
  checkOrder(context);
  checkSkips(context);
  const errors = [...issuesSoFar, ...context.log.errors];
  return { valid: errors.length === 0, errors, warnings: context.log.warnings };
}

export interface CheckedFlow extends ValidationResult {
  /** Undefined when the JSON is no flow at all. It may be there and invalid. */
  readonly flow?: Flow;
}

/** Reads and checks a flow file. Never throws, whatever the JSON. */
export function checkFlow(json: unknown, types: NodeTypes): CheckedFlow {
  const { flow, issues, warnings } = normalizeFlow(json);
  if (flow === undefined) return { valid: false, errors: issues, warnings };
  const result = validateFlow(flow, types, issues);
  return { flow, ...result, warnings: [...warnings, ...result.warnings] };
}
