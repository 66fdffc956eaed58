/** The pins that a node has in a flow: what its type declares, its config decides and the flow connects. */
import { apiField, type FlowEdge, type FlowNode } from "./flow.ts";
import { isObject, own } from "./json-value.ts";
import type { ExecOutputs, NodeType, Pin } from "./node-type.ts";
import { type PinType, parsePinType } from "./pin-type.ts";

/** The exec output and the data output of a node that failed, where its type has them. */
export const ERROR_PIN = "error";

export interface InputPin {
  readonly type: PinType;
  readonly required: boolean;
  /** Present when the type declares one; `null` is one. */
  readonly default?: unknown;
}

export interface NodePins {
  /** With open inputs: those that the flow connects or gives a literal too. */
  readonly inputs: ReadonlyMap<string, InputPin>;
  readonly outputs: ReadonlyMap<string, PinType>;
  readonly execIn: boolean;
  /** In their order; `error` last. */
  readonly execOut: readonly string[];
  /** Takes inputs of any name. */
  readonly openInputs: boolean;
  /** Has outputs of any name. */
  readonly openOutputs: boolean;
}

const ANY: PinType = { type: "any" };

/** The pins of `node`. Of `edges` only those at this node count; pass just these where there are many. */
export function resolvePins(node: FlowNode, type: NodeType, edges: Iterable<FlowEdge>): NodePins {
  const declared = declaredPins(type);
  const inputs = new Map(declared.inputs);
  const outputs = new Map(declared.outputs);
  const execPins = new Set<string>();
  const apiSchema = type.outputs_from_api_schema ? own(node.config, "api_schema") : undefined;
  const openOutputs = type.outputs_from_api_schema && !isObject(apiSchema);
  if (isObject(apiSchema)) {
    for (const [name, field] of Object.entries(apiSchema)) outputs.set(name, apiFieldType(field));
  }
  for (const edge of edges) {
    if (edge.target === node.id && edge.kind === "data" && type.open_inputs && !inputs.has(edge.target_pin)) {
      inputs.set(edge.target_pin, { type: ANY, required: false });
    }
    if (edge.source !== node.id) continue;
    if (edge.kind === "exec") execPins.add(edge.source_pin);
    else if (openOutputs && !outputs.has(edge.source_pin)) outputs.set(edge.source_pin, ANY);
  }
  if (type.open_inputs) {
    for (const name of Object.keys(node.constants)) {
      if (!inputs.has(name)) inputs.set(name, { type: ANY, required: false });
    }
  }
  return {
    inputs,
    outputs,
    execIn: type.exec.input,
    execOut: execOutPins(node, type.exec.outputs, execPins).concat(type.exec.error ? [ERROR_PIN] : []),
    openInputs: type.open_inputs,
    openOutputs,
  };
}

function apiFieldType(json: unknown): PinType {
  const field = apiField.safeParse(json);
  return (field.success && parsePinType(field.data.type)) || ANY;
}

function execOutPins(node: FlowNode, outputs: ExecOutputs, connected: ReadonlySet<string>): string[] {
  switch (outputs.from) {
    case "type":
      return [...outputs.pins];
    case "list": {
      const list = own(node.config, outputs.key);
      const cases = Array.isArray(list) ? list.map((_, i) => `${outputs.prefix}${i}`) : [];
      return [...cases, ...outputs.also];
    }
    case "flag":
      return own(node.config, outputs.key) === true ? [...outputs.pins] : [...outputs.otherwise];
    case "edges":
      return [...connected]
        .filter((pin) => pin.startsWith(outputs.prefix) && /^(0|[1-9]\d{0,3})$/.test(pin.slice(outputs.prefix.length)))
        .sort((a, b) => Number(a.slice(outputs.prefix.length)) - Number(b.slice(outputs.prefix.length)));
  }
}

interface DeclaredPins {
  readonly inputs: ReadonlyMap<string, InputPin>;
  readonly outputs: ReadonlyMap<string, PinType>;
}

/** Parsed once per type: a flow may use a type thousands of times. */
const cache = new WeakMap<NodeType, DeclaredPins>();

function declaredPins(type: NodeType): DeclaredPins {
  const known = cache.get(type);
  if (known) return known;
  const outputs = new Map(Object.entries(type.outputs).map(([name, pin]) => [name, parsePinType(pin.type) ?? ANY]));
  if (type.exec.error && !outputs.has(ERROR_PIN)) outputs.set(ERROR_PIN, { type: "dict", value: ANY });
  const pins = {
    inputs: new Map(Object.entries(type.inputs).map(([name, pin]) => [name, inputPin(pin)])),
    outputs,
  };
  cache.set(type, pins);
  return pins;
}

function inputPin(pin: Pin): InputPin {
  const type = parsePinType(pin.type) ?? ANY;
  const required = pin.required ?? false;
  return pin.default === undefined ? { type, required } : { type, required, default: pin.default };
}
