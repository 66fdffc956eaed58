/** GraphBuilder: makes a flow ready to run. */
import { type CheckContext, checkContext } from "./check-context.ts";
import { checkExecCycles, checkReachable } from "./check-exec.ts";
import { checkLoops } from "./check-loops.ts";
import { checkOrder } from "./check-order.ts";
import { checkPins } from "./check-pins.ts";
import { checkStructure } from "./check-structure.ts";
import { dataSources } from "./data-sources.ts";
import { topologicalOrder } from "./digraph.ts";
import { RayflowError } from "./errors.ts";
import type { Flow, FlowEdge } from "./flow.ts";
import type { IndexedNode } from "./flow-index.ts";
import { type Graph, type GraphEdge, type GraphInput, type GraphNode, type Region, ROOT_REGION } from "./graph.ts";
import { isLoopKind } from "./loops.ts";
import type { NodeType, NodeTypes } from "./node-type.ts";
import { orderGraph } from "./order-graph.ts";
import type { NodePins } from "./pins.ts";
import type { RegionOf } from "./regions.ts";
import { sequencePins } from "./sequence.ts";

/**
 * The graph of a flow. It refuses what cannot run at all; whether the flow is right is for `validateFlow` to say.
 * @throws GraphBuildError
 */
export function buildGraph(flow: Flow, types: NodeTypes): Graph {
  const context = checkContext(flow, types, []);
  const start = checkRunnable(context);
  const all = executionOrder(context);
  const order = all.filter((node) => !node.pure);
  const sources = dataSources(all);
  const nodes = new Map<string, GraphNode>();
  for (const node of context.index.nodes) {
    if (node.type !== undefined && node.pins !== undefined) {
      nodes.set(node.id, graphNode(node, node.type, node.pins, sources.get(node) ?? [], context));
    }
  }
  return {
    name: flow.name,
    version: flow.version,
    flow,
    errorStrategy: flow.error_strategy,
    drain: flow.drain,
    start: start.id,
    nodes,
    regions: buildRegions(order, context),
    sequenceGates: buildGates(order, context),
  };
}

/** The node types that a flow uses, each once, in the order of the nodes; unknown ones are left out. */
export function usedTypes(flow: Flow, types: NodeTypes): NodeType[] {
  const names = new Set(flow.nodes.map((node) => node.type));
  return [...names].flatMap((name) => types.get(name) ?? []);
}

function checkRunnable(context: CheckContext): IndexedNode {
  checkStructure(context);
  checkPins(context);
  checkExecCycles(context);
  checkReachable(context);
  checkLoops(context);
  checkOrder(context);
  const unreached = context.index.nodes.find((node) => !node.pure && !context.walk.reached.has(node));
  const [start] = context.starts;
  const [problem] = context.log.errors;
  if (problem === undefined && unreached === undefined && start !== undefined) return start;
  const message = problem?.message ?? `node "${unreached?.id ?? ""}" never runs`;
  throw new RayflowError("GraphBuildError", `the flow "${context.index.flow.name}" cannot run: ${message}`, {
    details: { issues: context.log.errors },
    ...(problem?.node_id === undefined ? {} : { nodeId: problem.node_id }),
  });
}

/** All nodes, each after what it waits for. */
function executionOrder({ index, walk, regions, sequences }: CheckContext): IndexedNode[] {
  const { graph } = orderGraph(index, walk, regions, sequences);
  return (topologicalOrder(graph) ?? []).flatMap((vertex) => index.nodes[vertex] ?? []);
}

function graphNode(
  node: IndexedNode,
  type: NodeType,
  pins: NodePins,
  sources: readonly string[],
  { regions }: CheckContext,
): GraphNode {
  const inRegions = regions.all(node).map(regionId);
  const execInByRegion = new Map<string, number>(inRegions.map((region) => [region, 0]));
  for (const link of node.execIn) {
    const region = regionId(regions.ofEdge(link));
    execInByRegion.set(region, (execInByRegion.get(region) ?? 0) + 1);
  }
  const execOut = new Map<string, GraphEdge[]>(pins.execOut.map((pin) => [pin, []]));
  for (const { edge } of node.execOut) execOut.get(edge.source_pin)?.push(graphEdge(edge));
  return {
    id: node.id,
    type: type.type,
    kind: type.kind,
    label: node.node.label ?? node.id,
    pure: node.pure,
    config: node.node.config,
    policy: node.node.policy,
    inputs: graphInputs(node, pins),
    execOut,
    execIn: node.execIn.map((link) => graphEdge(link.edge)),
    regions: inRegions,
    execInByRegion,
    dataSources: node.pure ? [] : sources,
  };
}

function graphEdge(edge: FlowEdge): GraphEdge {
  return {
    id: edge.id,
    source: edge.source,
    sourcePin: edge.source_pin,
    target: edge.target,
    targetPin: edge.target_pin,
  };
}

function graphInputs({ node, dataIn }: IndexedNode, pins: NodePins): GraphInput[] {
  const sources = new Map(dataIn.map(({ edge }) => [edge.target_pin, graphEdge(edge)]));
  return [...pins.inputs].map(([pin, input]) => ({
    pin,
    type: input.type,
    required: input.required,
    source: sources.get(pin),
    literal: Object.hasOwn(node.constants, pin) ? { value: node.constants[pin] } : undefined,
    fallback: "default" in input ? { value: input.default } : undefined,
  }));
}

function regionId(region: RegionOf): string {
  return typeof region === "object" ? region.id : ROOT_REGION;
}

function buildRegions(order: readonly IndexedNode[], { regions }: CheckContext): Map<string, Region> {
  const members = new Map<string, string[]>([[ROOT_REGION, []]]);
  const parents = new Map<string, string>();
  for (const node of order) {
    if (!isLoopKind(node.kind)) continue;
    members.set(node.id, []);
    parents.set(node.id, regionId(regions.of(node)));
  }
  for (const node of order) {
    for (const region of regions.all(node)) members.get(regionId(region))?.push(node.id);
  }
  return new Map([...members].map(([id, nodes]) => [id, { id, parent: parents.get(id), nodes }]));
}

function buildGates(order: readonly IndexedNode[], { sequences }: CheckContext) {
  const place = new Map(order.map((node, i) => [node, i]));
  const inOrder = (a: IndexedNode, b: IndexedNode) => (place.get(a) ?? 0) - (place.get(b) ?? 0);
  const gates = new Map<string, Map<string, readonly string[]>>();
  for (const sequence of order) {
    if (sequence.kind !== "sequence") continue;
    const last = sequences.lastPins(sequence);
    const reached = [...last.keys()].sort(inOrder);
    const pins = new Map<string, readonly string[]>();
    for (const [position, pin] of sequencePins(sequence).entries()) {
      if (position === 0) continue;
      const before = reached.filter((node) => (last.get(node) ?? 0) < position);
      pins.set(
        pin,
        before.map((node) => node.id),
      );
    }
    gates.set(sequence.id, pins);
  }
  return gates;
}
