/** A flow file of any of the three shapes as a document. The engine's normalizer says what each part means. */
import { type Flow, type FlowIssue, flowLevels, normalizeFlow } from "../../../flow/index.ts";
import { type DocEdge, type DocNode, type FlowDocument, freeName, type Point } from "./flow-document.ts";
import { sourceHandleOf, targetHandleOf } from "./handle-ids.ts";
import { isObject, type JsonObject, merged, without } from "./json.ts";

export interface ReadFlow {
  /** Undefined when the JSON is no flow. */
  readonly document: FlowDocument | undefined;
  /** Why it is none, or what of it could not be kept. The validator says what is wrong with what was kept. */
  readonly problems: readonly string[];
  /** Nodes without a position: a layout should be made. */
  readonly unplaced: readonly string[];
}

const HEADER = new Set(["name", "version", "description", "variables", "error_strategy", "drain", "metadata"]);
const LEVEL = new Set([...HEADER, "flow", "nodes", "edges", "connections"]);
const NODE = new Set(["id", "type", "position", "label", "config", "constants", "constantValues", "policy", "data"]);
const NODE_DATA = new Set(["label", "config", "constants", "constantValues", "policy"]);
const EDGE = new Set(
  (
    "id source target sourceHandle targetHandle kind source_pin target_pin " +
    "from fromExec fromOutput to toExec toInput selected"
  ).split(" "),
);
/** What React Flow writes of its own state: it says nothing about the flow, and is soon wrong. */
const VIEW_STATE = new Set(["selected", "dragging", "measured", "positionAbsolute", "resizing"]);

/** Never throws. `fallbackName` is for a file that does not name its flow. */
export function readFlow(json: unknown, fallbackName = "flow"): ReadFlow {
  const levels = flowLevels(json);
  const graph = levels.at(-1);
  const problems: string[] = [];
  if (graph === undefined || !Array.isArray(graph.nodes)) {
    return { document: undefined, problems: normalizeFlow(json).issues.map(({ message }) => message), unplaced: [] };
  }
  const rawNodes = uniqueNodes(graph.nodes, problems);
  const rawEdges = uniqueEdges([...listOf(graph.edges), ...listOf(graph.connections)]);
  const own = { ...graph, nodes: [...rawNodes.values()], edges: [...rawEdges.values()], connections: undefined };
  const whole = levels.slice(0, -1).reduceRight<JsonObject>((inner, level) => ({ ...level, flow: inner }), own);
  const { flow, issues } = normalizeFlow(whole);
  if (flow === undefined) return { document: undefined, problems: issues.map(({ message }) => message), unplaced: [] };

  const unplaced: string[] = [];
  const nodes = flow.nodes.map((node): DocNode => {
    const raw = rawNodes.get(node.id) ?? {};
    const data = isObject(raw.data) ? raw.data : {};
    const policy = merged(raw.policy, data.policy);
    if (node.position === undefined) unplaced.push(node.id);
    return {
      id: node.id,
      type: node.type,
      position: node.position ?? nextFreePlace(unplaced.length),
      ...(node.label === undefined ? {} : { label: node.label }),
      config: node.config,
      constants: node.constants,
      ...(Object.keys(policy).length === 0 ? {} : { policy }),
      ...optional("rest", without(raw, new Set([...NODE, ...VIEW_STATE]))),
      ...optional("restData", without(data, NODE_DATA)),
    };
  });
  const edges = readEdges(flow, rawEdges, issues, problems);
  const outer = levels.slice(0, -1);
  return {
    document: {
      ...headerOf(flow, levels, fallbackName),
      nodes,
      edges,
      ...optional("rest", without(merged(...(outer.length === 0 ? [graph] : outer)), LEVEL)),
      ...optional("restMetadata", without(merged(...levels.map((level) => level.metadata)), HEADER)),
      ...optional("restGraph", outer.length === 0 ? undefined : without(graph, LEVEL)),
    },
    problems,
    unplaced,
  };
}

function headerOf(flow: Flow, levels: readonly JsonObject[], fallbackName: string) {
  const header = merged(...levels.map((level) => level.metadata), ...levels);
  return {
    name: header.name === undefined || header.name === null ? fallbackName : flow.name,
    ...(flow.version === undefined ? {} : { version: flow.version }),
    ...(flow.description === undefined ? {} : { description: flow.description }),
    variables: flow.variables,
    ...(header.error_strategy === undefined ? {} : { error_strategy: flow.error_strategy }),
    ...(header.drain === undefined ? {} : { drain: flow.drain }),
  };
}

/** By id. Of two nodes with one id the second gets another; what has no id gets one. */
function uniqueNodes(list: readonly unknown[], problems: string[]): Map<string, JsonObject> {
  const nodes = new Map<string, JsonObject>();
  for (const [index, raw] of list.entries()) {
    if (!isObject(raw)) {
      problems.push(`nodes[${index}] is no object: it was left out`);
      continue;
    }
    const written = typeof raw.id === "string" || typeof raw.id === "number" ? String(raw.id) : undefined;
    const id = freeName(written || "node", (name) => nodes.has(name));
    if (id !== written) problems.push(`nodes[${index}] is now called "${id}": its id ${why(written)}`);
    nodes.set(id, typeof raw.type === "string" ? { ...raw, id } : { ...raw, id, type: "unknown" });
  }
  return nodes;
}

const why = (id: string | undefined): string =>
  id === undefined || id === "" ? "was missing" : `"${id}" was another node's`;

function uniqueEdges(list: readonly unknown[]): Map<string, JsonObject> {
  const written = new Set(list.filter(isObject).map((edge) => String(edge.id ?? "")));
  const edges = new Map<string, JsonObject>();
  for (const [index, raw] of list.entries()) {
    if (!isObject(raw)) continue;
    const own = raw.id === undefined || raw.id === null || raw.id === "" ? undefined : String(raw.id);
    const id =
      own !== undefined && !edges.has(own)
        ? own
        : freeName(`e${index}`, (name) => written.has(name) || edges.has(name));
    edges.set(id, { ...raw, id });
  }
  return edges;
}

function readEdges(
  flow: Flow,
  raws: ReadonlyMap<string, JsonObject>,
  issues: readonly FlowIssue[],
  problems: string[],
): DocEdge[] {
  const known = new Map(flow.edges.map((edge) => [edge.id, edge]));
  const edges: DocEdge[] = [];
  for (const [id, raw] of raws) {
    const rest = optional("rest", without(raw, EDGE));
    const edge = known.get(id);
    // The engine does not read a wire from exec to data; on the canvas it can be seen and mended.
    const ends =
      edge === undefined
        ? { source: raw.source, target: raw.target, sourceHandle: raw.sourceHandle, targetHandle: raw.targetHandle }
        : {
            source: edge.source,
            target: edge.target,
            sourceHandle: sourceHandleOf({ kind: edge.kind, pin: edge.source_pin }),
            targetHandle: targetHandleOf({ kind: edge.kind, pin: edge.target_pin }),
          };
    const { source, target, sourceHandle, targetHandle } = ends;
    const complete = [source, target, sourceHandle, targetHandle].every((end) => typeof end === "string" && end !== "");
    if (complete) {
      edges.push({
        id,
        source: String(source),
        sourceHandle: String(sourceHandle),
        target: String(target),
        targetHandle: String(targetHandle),
        ...rest,
      });
    } else {
      problems.push(issues.find((issue) => issue.edge_id === id)?.message ?? `edge "${id}" was left out`);
    }
  }
  return edges;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function optional<K extends string>(key: K, value: JsonObject | undefined): { [key in K]?: JsonObject } {
  return (value === undefined ? {} : { [key]: value }) as { [key in K]?: JsonObject };
}

/** In rows of eight, until a layout is made. */
function nextFreePlace(count: number): Point {
  return { x: ((count - 1) % 8) * 260, y: Math.floor((count - 1) / 8) * 180 };
}
