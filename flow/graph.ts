/**
 * A flow made ready to run: edges indexed, pins resolved, loop bodies found. Built once per flow and set of
 * node types, then only read. Plain data and maps, so the browser builds the same one.
 */
import type { ErrorStrategy, Flow, NodePolicy } from "./flow.ts";
import type { NodeKind } from "./node-type.ts";
import type { PinType } from "./pin-type.ts";

/** The region of the nodes that lie in no loop. Every other region is named by its loop node's id. */
export const ROOT_REGION = "";

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly sourcePin: string;
  readonly target: string;
  readonly targetPin: string;
}

/** Where one input takes its value from, in the order of DESIGN §4. */
export interface GraphInput {
  readonly pin: string;
  readonly type: PinType;
  readonly required: boolean;
  readonly source: GraphEdge | undefined;
  /** Present when the flow gives a literal; `null` is one. */
  readonly literal: { readonly value: unknown } | undefined;
  /** Present when the type declares a default. */
  readonly fallback: { readonly value: unknown } | undefined;
}

export interface GraphNode {
  readonly id: string;
  readonly type: string;
  readonly kind: NodeKind;
  readonly label: string;
  /** Used without exec edges: evaluated for each consumer, never activated. */
  readonly pure: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  readonly policy: NodePolicy | undefined;
  readonly inputs: readonly GraphInput[];
  /** Exec outputs by pin, every pin of the node, `error` included; a pin without edges has an empty list. */
  readonly execOut: ReadonlyMap<string, readonly GraphEdge[]>;
  /** Inbound exec edges, all of them; which count in a scope is said by `execInByRegion`. */
  readonly execIn: readonly GraphEdge[];
  /** The regions it is activated in: one, but for a RETURN that a loop body shares with what is around it. */
  readonly regions: readonly string[];
  /** How many inbound exec edges resolve in each of its regions. */
  readonly execInByRegion: ReadonlyMap<string, number>;
  /**
   * Exec nodes whose outputs its inputs read, through pure nodes too. What feeds a loop's `collect` is not among them,
   * nor is a loop whose `item` or `index` is read in its body: it settles only after the body.
   */
  readonly dataSources: readonly string[];
}

/** A region: the root, or one loop's body. */
export interface Region {
  /** ROOT_REGION or the loop node's id. */
  readonly id: string;
  /** The region that the loop node itself lies in; undefined for the root. */
  readonly parent: string | undefined;
  /** Exec nodes activated in it, in topological order. */
  readonly nodes: readonly string[];
}

export interface Graph {
  readonly name: string;
  readonly version: string | undefined;
  readonly flow: Flow;
  readonly errorStrategy: ErrorStrategy;
  readonly drain: "cancel" | "await";
  readonly start: string;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly regions: ReadonlyMap<string, Region>;
  /** For each control_sequence node and each of its pins but the first: the nodes of its region that must have settled before that pin opens. */
  readonly sequenceGates: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}
