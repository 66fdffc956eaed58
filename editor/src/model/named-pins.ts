/** Wires to the "add pin" pin of nodes that take pins of any name: the new pin is called as the other end. */
import type { PinType } from "../../../flow/index.ts";
import { formatPinType } from "../../../flow/index.ts";
import type { Wire } from "./edit-edges.ts";
import { updateNode } from "./edit-nodes.ts";
import { type FlowDocument, freeName } from "./flow-document.ts";
import { sourceHandleOf, targetHandleOf } from "./handle-ids.ts";
import { isObject } from "./json.ts";
import { NEW_PIN, type NodeView, type PinView } from "./node-view.ts";

export const NEW_INPUT = targetHandleOf({ kind: "data", pin: NEW_PIN });
export const NEW_OUTPUT = sourceHandleOf({ kind: "data", pin: NEW_PIN });

/** The wire with a named pin in the place of the "add pin" pin, and the document in which that pin exists. */
export function namePins(
  document: FlowDocument,
  views: ReadonlyMap<string, NodeView>,
  wire: Wire,
): { readonly document: FlowDocument; readonly wire: Wire } {
  if (wire.targetHandle === NEW_INPUT) {
    const view = views.get(wire.target);
    const taken = new Set(view?.left.map((pin) => pin.name));
    const pin = freeName(nameFor(wire.sourceHandle, "output-"), (name) => taken.has(name));
    return { document, wire: { ...wire, targetHandle: targetHandleOf({ kind: "data", pin }) } };
  }
  if (wire.sourceHandle === NEW_OUTPUT) {
    const view = views.get(wire.source);
    const target = views.get(wire.target)?.left.find((pin) => pin.handle === wire.targetHandle);
    const taken = new Set(view?.right.map((pin) => pin.name));
    const pin = freeName(nameFor(wire.targetHandle, "input-"), (name) => taken.has(name));
    return {
      document: declareOutput(document, view, wire.source, pin, target?.type),
      wire: { ...wire, sourceHandle: sourceHandleOf({ kind: "data", pin }) },
    };
  }
  return { document, wire };
}

function nameFor(handle: string, prefix: string): string {
  const name = handle.startsWith(prefix) ? handle.slice(prefix.length) : handle;
  return name === NEW_PIN || name === "" ? "value" : name;
}

/** START declares what it gives; a first declaration takes in what its wires use already. */
function declareOutput(
  document: FlowDocument,
  view: NodeView | undefined,
  node: string,
  pin: string,
  type: PinType | undefined,
): FlowDocument {
  return updateNode(document, node, (before) => {
    const schema = isObject(before.config.api_schema) ? before.config.api_schema : openOutputs(view?.right ?? []);
    const field = { type: type === undefined ? "any" : formatPinType(type), required: true };
    return { ...before, config: { ...before.config, api_schema: { ...schema, [pin]: field } } };
  });
}

function openOutputs(pins: readonly PinView[]): Record<string, unknown> {
  const open = pins.filter((pin) => pin.kind === "data" && pin.special !== "new");
  return Object.fromEntries(open.map((pin) => [pin.name, { type: pin.typeText, required: true }]));
}
