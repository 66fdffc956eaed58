/** Edits of the inputs that START declares; the wires at a renamed input follow it. */
import { updateNode } from "./edit-nodes.ts";
import type { FlowDocument } from "./flow-document.ts";
import { sourceHandleOf } from "./handle-ids.ts";
import { isObject, type JsonObject } from "./json.ts";

function change(document: FlowDocument, node: string, next: (schema: JsonObject) => JsonObject): FlowDocument {
  return updateNode(document, node, (before) => {
    const schema = isObject(before.config.api_schema) ? before.config.api_schema : {};
    return { ...before, config: { ...before.config, api_schema: next(schema) } };
  });
}

export function setField(document: FlowDocument, node: string, name: string, field: JsonObject): FlowDocument {
  return change(document, node, (schema) => ({ ...schema, [name]: field }));
}

export function removeField(document: FlowDocument, node: string, name: string): FlowDocument {
  return change(document, node, (schema) => Object.fromEntries(Object.entries(schema).filter(([key]) => key !== name)));
}

export function renameField(document: FlowDocument, node: string, from: string, to: string): FlowDocument {
  if (from === to) return document;
  const renamed = change(document, node, (schema) =>
    Object.fromEntries(Object.entries(schema).map(([key, field]) => [key === from ? to : key, field])),
  );
  const handle = sourceHandleOf({ kind: "data", pin: from });
  return {
    ...renamed,
    edges: renamed.edges.map((edge) =>
      edge.source === node && edge.sourceHandle === handle
        ? { ...edge, sourceHandle: sourceHandleOf({ kind: "data", pin: to }) }
        : edge,
    ),
  };
}

/** Moves a field among its neighbours: its pin moves with it. */
export function moveField(document: FlowDocument, node: string, name: string, by: -1 | 1): FlowDocument {
  return change(document, node, (schema) => {
    const entries = Object.entries(schema);
    const at = entries.findIndex(([key]) => key === name);
    const [entry] = entries.splice(at, 1);
    if (entry !== undefined) entries.splice(Math.max(0, at + by), 0, entry);
    return Object.fromEntries(entries);
  });
}
