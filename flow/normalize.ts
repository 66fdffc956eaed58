/** Reads every flow file there is, and turns it into the one shape that all else knows. */
import {
  type ErrorStrategy,
  errorStrategy,
  type Flow,
  type FlowEdge,
  type FlowNode,
  MAX_EDGES,
  MAX_NODES,
  MAX_VALUE_DEPTH,
} from "./flow.ts";
import { type FlowIssue, type IssueLog, issueLog } from "./issue.ts";
import { describeValue, isObject, type JsonObject, mergeObjects, nestsDeeperThan, own } from "./json-value.ts";
import { FLOW_KEYS, warnUnknownKeys } from "./known-keys.ts";
import { isEdge, normalizeEdge, writtenEdgeId } from "./normalize-edge.ts";
import { normalizeNode } from "./normalize-node.ts";

export interface NormalizedFlow {
  /** Undefined when the JSON is no flow, or larger than a flow may be. */
  readonly flow: Flow | undefined;
  readonly issues: FlowIssue[];
  readonly warnings: FlowIssue[];
}

/** How many `flow` wrappers a file may have around its nodes: `{flow: {metadata, flow: {nodes}}, cases}` has two. */
const MAX_WRAPPERS = 3;

/**
 * The flow in any of the shapes of DESIGN §3, with all that is wrong about its form. Never throws, whatever the
 * JSON. A normalised flow comes back as it is.
 */
export function normalizeFlow(json: unknown): NormalizedFlow {
  const log = issueLog();
  const flow = readFlow(json, log);
  return { flow, issues: log.errors, warnings: log.warnings };
}

function readFlow(json: unknown, log: IssueLog): Flow | undefined {
  const levels = flowLevels(json);
  const graph = levels.at(-1);
  const nodes = graph && own(graph, "nodes");
  if (!graph || !Array.isArray(nodes)) {
    const found = graph === undefined ? `this is ${describeValue(json)}` : 'it has no list "nodes"';
    log.error("MISSING_FIELD", `this is no flow: ${found}; a flow is {nodes: [...], edges: [...]}`, { path: "nodes" });
    return undefined;
  }
  const edges = [...readList(graph, "edges", log), ...readList(graph, "connections", log)];
  if (nodes.length > MAX_NODES || edges.length > MAX_EDGES) {
    const [count, most, what] =
      nodes.length > MAX_NODES ? [nodes.length, MAX_NODES, "nodes"] : [edges.length, MAX_EDGES, "edges"];
    log.error("LIMIT", `the flow has ${count} ${what}, at most ${most} are allowed: move parts of it into subflows`, {
      path: what,
    });
    return undefined;
  }
  for (const level of levels) warnUnknownKeys(level, FLOW_KEYS, "the flow", log, {});
  const header = readHeader(levels, log);
  const flow = { ...header, nodes: readNodes(nodes, log), edges: readEdges(edges, log) };
  return log.errors.some((issue) => issue.code === "LIMIT") ? undefined : flow;
}

/** From the outermost object to the one that holds the nodes. */
export function flowLevels(json: unknown): JsonObject[] {
  const levels: JsonObject[] = [];
  let level = json;
  while (isObject(level) && levels.length <= MAX_WRAPPERS) {
    levels.push(level);
    if (own(level, "nodes") !== undefined) break;
    const inner = own(level, "flow");
    if (!isObject(inner)) break;
    level = inner;
  }
  return levels;
}

function readList(graph: JsonObject, key: string, log: IssueLog): unknown[] {
  const value = own(graph, key);
  if (Array.isArray(value)) return value;
  if (value !== undefined && value !== null) {
    log.error("MISSING_FIELD", `"${key}" is ${describeValue(value)}: it must be a list`, { path: key });
  }
  return [];
}

function readHeader(levels: readonly JsonObject[], log: IssueLog): Omit<Flow, "nodes" | "edges"> {
  // The innermost level that sets a field wins; at one level the field itself goes before the metadata's.
  const field = (key: string): unknown => {
    for (const level of levels.toReversed()) {
      const metadata = own(level, "metadata");
      const value = own(level, key) ?? (isObject(metadata) ? own(metadata, key) : undefined);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };
  const text = (key: string): string | undefined => {
    const value = field(key);
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    if (value !== undefined)
      log.error("BAD_CONFIG", `"${key}" is ${describeValue(value)}: it must be a text`, { path: key });
    return undefined;
  };
  const version = text("version");
  const description = text("description");
  return {
    name: text("name") || "flow",
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    variables: readVariables(levels, log),
    error_strategy: readErrorStrategy(field("error_strategy"), log),
    drain: readDrain(field("drain"), log),
  };
}

function readVariables(levels: readonly JsonObject[], log: IssueLog): JsonObject {
  const all: JsonObject[] = [];
  for (const level of levels) {
    const value = own(level, "variables");
    if (isObject(value)) all.push(value);
    else if (value !== undefined && value !== null) {
      log.error("BAD_CONFIG", `"variables" is ${describeValue(value)}: it must be an object, name to first value`, {
        path: "variables",
      });
    }
  }
  const variables = mergeObjects(...all);
  if (nestsDeeperThan(variables, MAX_VALUE_DEPTH)) {
    log.error("LIMIT", `"variables" nests deeper than ${MAX_VALUE_DEPTH} levels: flatten it`, { path: "variables" });
  }
  return variables;
}

function readErrorStrategy(value: unknown, log: IssueLog): ErrorStrategy {
  const parsed = errorStrategy.safeParse(value ?? "abort");
  if (parsed.success) return parsed.data;
  const allowed = errorStrategy.options.join(", ");
  log.error("BAD_CONFIG", `"error_strategy" is ${describeValue(value)}: it must be one of ${allowed}`, {
    path: "error_strategy",
  });
  return "abort";
}

function readDrain(value: unknown, log: IssueLog): Flow["drain"] {
  if (value === undefined || value === "cancel") return "cancel";
  if (value === "await") return "await";
  log.error("BAD_CONFIG", `"drain" is ${describeValue(value)}: it must be "cancel" or "await"`, { path: "drain" });
  return "cancel";
}

function readNodes(list: readonly unknown[], log: IssueLog): FlowNode[] {
  const nodes = new Map<string, FlowNode>();
  for (const [index, json] of list.entries()) {
    const node = normalizeNode(json, index, log);
    if (node === undefined) continue;
    if (nodes.has(node.id)) {
      log.error("DUPLICATE_ID", `nodes[${index}] has the id "${node.id}" of another node: give each its own`, {
        node_id: node.id,
        path: `nodes[${index}].id`,
      });
    } else {
      nodes.set(node.id, node);
    }
  }
  return [...nodes.values()];
}

function readEdges(list: readonly unknown[], log: IssueLog): FlowEdge[] {
  const written = new Set<string>();
  for (const json of list) {
    const id = isObject(json) ? writtenEdgeId(json) : undefined;
    if (id !== undefined) written.add(id);
  }
  const edges: FlowEdge[] = [];
  const byId = new Map<string, FlowEdge | undefined>();
  for (const [index, json] of list.entries()) {
    if (!isEdge(json, `edges[${index}]`, log)) continue;
    const id = writtenEdgeId(json) ?? freeId(index, written);
    const edge = normalizeEdge(json, id, log);
    if (byId.has(id)) {
      log.error("DUPLICATE_ID", `edges[${index}] has the id "${id}" of another edge: give each its own`, {
        edge_id: id,
        path: `edges[${index}].id`,
      });
      // The same wire twice is one mistake; another wire under the same id still counts as a wire.
      if (edge === undefined || isSameWire(edge, byId.get(id))) continue;
    } else {
      byId.set(id, edge);
    }
    if (edge !== undefined) edges.push(edge);
  }
  return edges;
}

function freeId(index: number, taken: Set<string>): string {
  let id = `e${index}`;
  while (taken.has(id)) id += "_";
  taken.add(id);
  return id;
}

function isSameWire(a: FlowEdge, b: FlowEdge | undefined): boolean {
  return (
    b !== undefined &&
    a.kind === b.kind &&
    a.source === b.source &&
    a.source_pin === b.source_pin &&
    a.target === b.target &&
    a.target_pin === b.target_pin
  );
}
