/** A document as a flow file: the editor's export, `{metadata, variables, flow: {nodes, edges}}`. */
import type { DocEdge, DocNode, FlowDocument } from "./flow-document.ts";
import { edgeKind } from "./handle-ids.ts";
import type { JsonObject } from "./json.ts";

export function writeFlow(document: FlowDocument): JsonObject {
  const { name, version, description, variables, error_strategy, drain } = document;
  return {
    ...document.rest,
    metadata: {
      ...document.restMetadata,
      name,
      ...(version === undefined ? {} : { version }),
      ...(description === undefined || description === "" ? {} : { description }),
    },
    ...(error_strategy === undefined ? {} : { error_strategy }),
    ...(drain === undefined ? {} : { drain }),
    variables,
    flow: {
      ...document.restGraph,
      nodes: document.nodes.map(writeNode),
      edges: document.edges.map(writeEdge),
    },
  };
}

function writeNode({ id, type, position, label, config, constants, policy, rest, restData }: DocNode): JsonObject {
  return {
    ...rest,
    id,
    type,
    position: { x: position.x, y: position.y },
    data: {
      ...restData,
      ...(label === undefined || label === "" ? {} : { label }),
      config,
      constantValues: constants,
      ...(policy === undefined || Object.keys(policy).length === 0 ? {} : { policy }),
    },
  };
}

function writeEdge(edge: DocEdge): JsonObject {
  const { id, source, sourceHandle, target, targetHandle, rest } = edge;
  return { type: edgeKind(edge), ...rest, id, source, target, sourceHandle, targetHandle };
}

/** What a file of this flow is called. */
export function fileNameOf(document: FlowDocument): string {
  return `${document.name.replace(/[^A-Za-z0-9_-]+/g, "-") || "flow"}.json`;
}
