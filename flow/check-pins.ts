/** Edges against pins: does the pin exist, is it free, does the type fit. */
import { type CheckContext, inputKey } from "./check-context.ts";
import type { FlowEdge } from "./flow.ts";
import type { IndexedNode, Link } from "./flow-index.ts";
import { EXEC_PIN } from "./handles.ts";
import { fits, formatPinType } from "./pin-type.ts";
import { didYouMean, listNames } from "./suggest.ts";

/** UNKNOWN_PIN and DUPLICATE_INPUT_EDGE. */
export function checkPins(context: CheckContext): void {
  const { index } = context;
  const fed = new Map<string, FlowEdge>();
  for (const link of index.links) {
    checkSourcePin(link.edge, link.source, context);
    checkTargetPin(link.edge, link.target, context);
    checkFree(link, fed, context);
  }
  for (const edge of index.dangling) {
    const source = index.byId.get(edge.source);
    const target = index.byId.get(edge.target);
    if (source) checkSourcePin(edge, source, context);
    if (target) checkTargetPin(edge, target, context);
  }
}

function checkSourcePin(edge: FlowEdge, node: IndexedNode, context: CheckContext): void {
  if (node.pins === undefined) return;
  const pin = edge.source_pin;
  if (edge.kind === "exec") {
    if (!node.pins.execOut.includes(pin)) unknownPin(edge, node, "exec output", pin, node.pins.execOut, context);
  } else if (pin === "__proto__" || !node.pins.outputs.has(pin)) {
    unknownPin(edge, node, "output", pin, node.pins.outputs.keys(), context);
  }
}

function checkTargetPin(edge: FlowEdge, node: IndexedNode, context: CheckContext): void {
  if (node.pins === undefined) return;
  const pin = edge.target_pin;
  if (edge.kind === "exec") {
    const pins = node.pins.execIn ? [EXEC_PIN] : [];
    if (!pins.includes(pin)) unknownPin(edge, node, "exec input", pin, pins, context);
  } else if (pin === "__proto__" || !node.pins.inputs.has(pin)) {
    unknownPin(edge, node, "input", pin, node.pins.inputs.keys(), context);
  }
}

function unknownPin(
  edge: FlowEdge,
  node: IndexedNode,
  what: string,
  pin: string,
  candidates: Iterable<string>,
  { log }: CheckContext,
): void {
  const names = [...candidates];
  const has = names.length === 0 ? `; it has no ${what} at all` : `; it has ${listNames(names)}`;
  log.error(
    "UNKNOWN_PIN",
    `edge "${edge.id}": node "${node.id}" (${node.node.type}) has no ${what} "${pin}"${didYouMean(pin, names) || has}`,
    { node_id: node.id, edge_id: edge.id, ...(what === "input" ? { path: `inputs.${pin}` } : {}) },
  );
}

function checkFree({ edge, target }: Link, fed: Map<string, FlowEdge>, { log }: CheckContext): void {
  if (edge.kind === "exec") return;
  const key = inputKey(target.id, edge.target_pin);
  const first = fed.get(key);
  if (first === undefined) {
    fed.set(key, edge);
    return;
  }
  log.error(
    "DUPLICATE_INPUT_EDGE",
    `input "${edge.target_pin}" of node "${target.id}" has two edges, "${first.id}" from "${first.source}" and ` +
      `"${edge.id}" from "${edge.source}": an input takes one value, delete one of them`,
    { node_id: target.id, edge_id: edge.id, path: `inputs.${edge.target_pin}` },
  );
}

/** TYPE_MISMATCH of edges. */
export function checkEdgeTypes({ index, log }: CheckContext): void {
  for (const { edge, source, target } of index.links) {
    if (edge.kind === "exec") continue;
    const output = source.pins?.outputs.get(edge.source_pin);
    const input = target.pins?.inputs.get(edge.target_pin);
    if (output === undefined || input === undefined || fits(output, input.type)) continue;
    log.error(
      "TYPE_MISMATCH",
      `edge "${edge.id}" feeds "${edge.source_pin}" of "${source.id}", which is ${formatPinType(output)}, to ` +
        `"${edge.target_pin}" of "${target.id}", which takes ${formatPinType(input.type)}: convert it in between, ` +
        "or connect another output",
      { node_id: target.id, edge_id: edge.id, path: `inputs.${edge.target_pin}` },
    );
  }
}
