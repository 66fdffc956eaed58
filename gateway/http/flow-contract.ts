/** What a flow takes and gives, as JSON Schema: from START's `api_schema`, and from its RETURN nodes. Pure. */
import { type ApiSchema, apiSchemaOf, type Flow, type FlowNode, type PinType, parsePinType } from "../../flow/index.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** One way in which the flow answers. */
export interface ReturnContract {
  /** The RETURN's name, else its id. */
  readonly name: string;
  readonly status_code: number;
  readonly body: JsonSchema;
}

export interface FlowContract {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  /** Undefined: it takes whatever comes. */
  readonly api_schema?: ApiSchema;
  readonly inputs: JsonSchema;
  readonly returns: readonly ReturnContract[];
}

const DEFAULT_STATUS = 200;

export function contractOf(flow: Flow): FlowContract {
  const start = flow.nodes.find(({ type }) => type === "start");
  const declared = start && apiSchemaOf(start);
  return {
    name: flow.name,
    ...(flow.version === undefined ? {} : { version: flow.version }),
    ...(flow.description === undefined ? {} : { description: flow.description }),
    ...(declared === undefined ? {} : { api_schema: declared }),
    inputs: inputsSchema(declared),
    returns: flow.nodes.filter(({ type }) => type === "return").map((node) => returnContract(node, flow)),
  };
}

function inputsSchema(declared: ApiSchema | undefined): JsonSchema {
  if (declared === undefined) return { type: "object", additionalProperties: true };
  const entries = Object.entries(declared);
  const properties = entries.map(([name, field]) => {
    const about = {
      ...(field.description === undefined ? {} : { description: field.description }),
      ...(field.default === undefined ? {} : { default: field.default }),
    };
    return [name, { ...pinSchema(parsePinType(field.type) ?? { type: "any" }), ...about }];
  });
  const required = entries.flatMap(([name, field]) => (field.required && field.default === undefined ? [name] : []));
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
  };
}

function returnContract(node: FlowNode, flow: Flow): ReturnContract {
  const { name, status_code, response_schema } = node.config;
  const wired = flow.edges.filter(({ kind, target }) => kind === "data" && target === node.id);
  const pins = [...new Set([...wired.map(({ target_pin }) => target_pin), ...Object.keys(node.constants)])];
  const guessed = { type: "object", properties: Object.fromEntries(pins.map((pin) => [pin, {}])) };
  return {
    name: typeof name === "string" ? name : node.id,
    status_code: typeof status_code === "number" ? status_code : DEFAULT_STATUS,
    body: isSchema(response_schema) ? response_schema : guessed,
  };
}

/** The JSON Schema of a pin's values. */
export function pinSchema(type: PinType): JsonSchema {
  switch (type.type) {
    case "any":
      return {};
    case "int":
      return { type: "integer" };
    case "float":
      return { type: "number" };
    case "str":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "list":
      return { type: "array", items: pinSchema(type.item) };
    case "dict":
      return { type: "object", additionalProperties: pinSchema(type.value) };
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "type" in value;
}
