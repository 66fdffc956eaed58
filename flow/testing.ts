/** Fixtures for tests: a realistic handful of node types, and a builder for flows. No other code imports it. */
import type { ErrorStrategy, Flow, FlowEdge, FlowNode, NodePolicy } from "./flow.ts";
import type { ExecOutputs, NodeKind, NodeType, NodeTypes, Pin } from "./node-type.ts";

export interface NodeTypeOptions {
  readonly kind?: NodeKind;
  readonly pure?: boolean;
  readonly inputs?: Record<string, Pin | string>;
  readonly outputs?: Record<string, Pin | string>;
  readonly exec?: ExecOutputs | readonly string[];
  /** Default: true, but for START. */
  readonly execInput?: boolean;
  /** Whether it has an `error` pin. Default: true, but for START, RETURN, break and continue. */
  readonly error?: boolean;
  readonly openInputs?: boolean;
  readonly config?: Record<string, unknown>;
}

const WITHOUT_ERROR: ReadonlySet<NodeKind> = new Set(["start", "return", "break", "continue"]);

/** A node type. An input written as a text is required; write a Pin for one that is not. */
export function nodeTypeFixture(type: string, options: NodeTypeOptions = {}): NodeType {
  const kind = options.kind ?? "actor";
  const exec = options.exec ?? ["finish"];
  const pins = (written: Record<string, Pin | string> = {}, required: boolean): Record<string, Pin> =>
    Object.fromEntries(
      Object.entries(written).map(([name, pin]) => [
        name,
        typeof pin === "string" ? { type: pin, ...(required ? { required } : {}) } : pin,
      ]),
    );
  return {
    v: 1,
    type,
    kind,
    version: "1",
    title: type,
    category: type.split("_")[0] ?? type,
    description: "",
    pure: options.pure ?? false,
    inputs: pins(options.inputs, true),
    outputs: pins(options.outputs, false),
    open_inputs: options.openInputs ?? false,
    outputs_from_api_schema: kind === "start",
    exec: {
      input: options.execInput ?? kind !== "start",
      outputs: "from" in exec ? exec : { from: "type", pins: [...exec] },
      error: options.error ?? !WITHOUT_ERROR.has(kind),
    },
    config: options.config ?? {},
  };
}

const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: "object",
  properties,
  required,
});
const scope = { enum: ["run", "flow", "global"] };
const twoFloats = { pure: true, inputs: { x: "float", y: "float" }, outputs: { result: "float" } };
const loopPins = ["body", "completed"];

const fixtures: readonly NodeType[] = [
  nodeTypeFixture("start", { kind: "start", config: object({ api_schema: { type: "object" } }) }),
  nodeTypeFixture("return", {
    kind: "return",
    exec: [],
    openInputs: true,
    config: object({ name: { type: "string" }, status_code: { type: "integer" }, response_schema: {} }),
  }),
  nodeTypeFixture("base_debug", { inputs: { value: { type: "any" } }, outputs: { value: "any" } }),
  nodeTypeFixture("variables_get", {
    pure: true,
    outputs: { value: "any" },
    config: object({ variable_name: { type: "string", minLength: 1 }, scope, default: {} }, ["variable_name"]),
  }),
  nodeTypeFixture("variables_set", {
    inputs: { value: "any" },
    outputs: { value: "any" },
    config: object({ variable_name: { type: "string", minLength: 1 }, scope }, ["variable_name"]),
  }),
  ...["add", "subtract", "multiply", "divide"].map((name) => nodeTypeFixture(`math_${name}`, twoFloats)),
  nodeTypeFixture("math_round", {
    pure: true,
    inputs: { x: "float", digits: { type: "int", default: 0 } },
    outputs: { result: "float" },
  }),
  nodeTypeFixture("logic_branch", { inputs: { condition: "bool" }, exec: ["true", "false"] }),
  nodeTypeFixture("logic_if_else", {
    pure: true,
    inputs: { condition: "bool", true_value: { type: "any" }, false_value: { type: "any" } },
    outputs: { result: "any" },
    exec: { from: "flag", key: "exec_branches", pins: ["true", "false"], otherwise: ["finish"] },
    config: object({ exec_branches: { type: "boolean" } }),
  }),
  nodeTypeFixture("logic_switch", {
    inputs: { value: "any" },
    exec: { from: "list", key: "cases", prefix: "case_", also: ["default"] },
    config: object({ cases: { type: "array" } }, ["cases"]),
  }),
  nodeTypeFixture("logic_compare", {
    pure: true,
    inputs: { a: "any", b: "any" },
    outputs: { result: "bool" },
    config: object({ operator: { enum: ["==", "!=", "<", ">", "<=", ">="] } }, ["operator"]),
  }),
  nodeTypeFixture("string_upper", { pure: true, inputs: { text: "str" }, outputs: { result: "str" } }),
  nodeTypeFixture("data_dict_get", {
    pure: true,
    inputs: { dict: "dict", key: "str" },
    outputs: { value: "any" },
    config: object({ default: {}, path: { type: "boolean" } }),
  }),
  nodeTypeFixture("data_list_sum", { pure: true, inputs: { list: "list" }, outputs: { result: "float" } }),
  nodeTypeFixture("control_for_each", {
    kind: "for_each",
    inputs: { list: "list", collect: { type: "any" } },
    outputs: { item: "any", index: "int", results: "list", count: "int" },
    exec: loopPins,
    config: object({
      concurrency: { type: "integer", minimum: 1 },
      on_item_error: { enum: ["fail", "skip", "collect"] },
    }),
  }),
  nodeTypeFixture("control_while", {
    kind: "while",
    inputs: { condition: "bool" },
    outputs: { iteration: "int" },
    exec: loopPins,
    config: object({ max_iterations: { type: "integer", exclusiveMinimum: 0 } }),
  }),
  nodeTypeFixture("control_repeat", {
    kind: "repeat",
    inputs: { times: "int", collect: { type: "any" } },
    outputs: { index: "int", results: "list" },
    exec: loopPins,
  }),
  nodeTypeFixture("control_break", { kind: "break", exec: [] }),
  nodeTypeFixture("control_continue", { kind: "continue", exec: [] }),
  nodeTypeFixture("control_sequence", { kind: "sequence", exec: { from: "edges", prefix: "then_" } }),
  nodeTypeFixture("control_sleep", { kind: "sleep", inputs: { seconds: "float" } }),
  nodeTypeFixture("control_fail", { inputs: { message: "str", code: { type: "str", default: "Failed" } } }),
];

/** The fixtures by name: those of NODES.md that tests need, with the pins that it gives them. */
export const fixtureTypes: NodeTypes = new Map(fixtures.map((type) => [type.type, type]));

export interface NodeOptions {
  readonly label?: string;
  readonly config?: Record<string, unknown>;
  readonly constants?: Record<string, unknown>;
  readonly policy?: NodePolicy;
}

export interface FlowBuilder {
  node(id: string, type: string, options?: NodeOptions): FlowBuilder;
  /** An exec edge: `"a"` or `"a.finish"` to `"b"`; several targets make several edges. */
  exec(source: string, ...targets: string[]): FlowBuilder;
  /** Exec edges along a list: `chain("start", "a", "ret")`. */
  chain(...path: string[]): FlowBuilder;
  /** A data edge: `"a.result"` to `"b.x"`. */
  data(source: string, target: string): FlowBuilder;
  build(): Flow;
}

export interface FlowOptions {
  readonly name?: string;
  readonly variables?: Record<string, unknown>;
  readonly error_strategy?: ErrorStrategy;
  readonly drain?: Flow["drain"];
}

/** Builds a normalised flow; edges are called e0, e1… in the order they are added. */
export function flowBuilder(options: FlowOptions = {}): FlowBuilder {
  const nodes: FlowNode[] = [];
  const edges: FlowEdge[] = [];
  const add = (kind: FlowEdge["kind"], from: string, to: string, usual: readonly [string, string]) => {
    const [source = "", source_pin = usual[0]] = from.split(".");
    const [target = "", target_pin = usual[1]] = to.split(".");
    edges.push({ id: `e${edges.length}`, kind, source, source_pin, target, target_pin });
  };
  const builder: FlowBuilder = {
    node(id, type, { config = {}, constants = {}, ...rest } = {}) {
      nodes.push({ id, type, ...rest, config, constants });
      return builder;
    },
    exec(source, ...targets) {
      for (const target of targets) add("exec", source, target, ["finish", "exec"]);
      return builder;
    },
    chain(...path) {
      for (const [i, target] of path.slice(1).entries()) builder.exec(path[i] ?? "", target);
      return builder;
    },
    data(source, target) {
      add("data", source, target, ["", ""]);
      return builder;
    },
    build: () => ({
      name: "test",
      variables: {},
      error_strategy: "abort",
      drain: "cancel",
      ...options,
      nodes: [...nodes],
      edges: [...edges],
    }),
  };
  return builder;
}
