/** Flows that the browser tests run, as the editor saves them. */

interface NodeSpec {
  readonly type: string;
  readonly config?: Record<string, unknown>;
  readonly constants?: Record<string, unknown>;
  readonly label?: string;
}

/** Nodes in a row; edges as `from.exec > to` and `from.output -> to.input`. */
export function flowFile(name: string, nodes: Record<string, NodeSpec>, edges: readonly string[]) {
  return {
    metadata: { name },
    variables: {},
    flow: {
      nodes: Object.entries(nodes).map(([id, { type, config = {}, constants = {}, label }], at) => ({
        id,
        type,
        position: { x: at * 280, y: 80 + (at % 2) * 60 },
        data: { config, constantValues: constants, ...(label === undefined ? {} : { label }) },
      })),
      edges: edges.map((edge, at) => ({ id: `e${at}`, ...endsOf(edge) })),
    },
  };
}

function endsOf(edge: string) {
  const [, source = "", sourcePin, arrow, target = "", targetPin] =
    /^(\w+)(?:\.(\w+))? (->|>) (\w+)(?:\.(\w+))?$/.exec(edge) ?? [];
  if (arrow === "->")
    return { source, sourceHandle: `output-${sourcePin}`, target, targetHandle: `input-${targetPin}` };
  return {
    source,
    sourceHandle: sourcePin === undefined ? "exec-out" : `exec-${sourcePin}`,
    target,
    targetHandle: "exec-in",
  };
}

/** `result` = a / b. Fails at `div` when b is 0. */
export const divide = flowFile(
  "divide",
  {
    start: {
      type: "start",
      config: { api_schema: { a: { type: "float", required: true }, b: { type: "float", default: 2 } } },
    },
    div: { type: "math_divide" },
    ret: { type: "return", config: { name: "ok" } },
  },
  ["start > div", "div > ret", "start.a -> div.x", "start.b -> div.y", "div.result -> ret.result"],
);

/** One is taken, the other is not. */
export const branches = flowFile(
  "branches",
  {
    start: { type: "start", config: { api_schema: { yes: { type: "bool", default: true } } } },
    is: { type: "logic_branch" },
    left: { type: "base_debug", constants: { value: "left" } },
    right: { type: "base_debug", constants: { value: "right" } },
    ret: { type: "return" },
  },
  ["start > is", "is.true > left", "is.false > right", "left > ret", "right > ret", "start.yes -> is.condition"],
);

/** Adds 1 to each of the list. */
export const loop = flowFile(
  "loop",
  {
    start: { type: "start", config: { api_schema: { list: { type: "list", default: [10, 20, 30] } } } },
    each: { type: "control_for_each" },
    add: { type: "math_add", constants: { y: 1 } },
    ret: { type: "return" },
  },
  [
    "start > each",
    "each.body > add",
    "each.completed > ret",
    "start.list -> each.list",
    "each.item -> add.x",
    "add.result -> each.collect",
    "each.results -> ret.results",
  ],
);

/** Three steps one after the other. */
export const steps = flowFile(
  "steps",
  {
    start: { type: "start", config: { api_schema: { text: { type: "str", default: "hello" } } } },
    one: { type: "base_debug" },
    two: { type: "base_debug" },
    three: { type: "base_debug" },
    ret: { type: "return" },
  },
  [
    "start > one",
    "one > two",
    "two > three",
    "three > ret",
    "start.text -> one.value",
    "one.value -> two.value",
    "two.value -> three.value",
    "three.value -> ret.text",
  ],
);

/** Waits for the signal `go`, and returns what came with it. */
export const waiting = flowFile(
  "waiting",
  {
    start: { type: "start" },
    wait: { type: "control_wait_signal", config: { signal: "go" } },
    after: { type: "base_debug" },
    ret: { type: "return" },
  },
  ["start > wait", "wait > after", "after > ret", "wait.payload -> after.value", "after.value -> ret.payload"],
);

/** Fails at `div` when b is 0, and waits for somebody to try again. */
export const pausing = { ...divide, metadata: { name: "pausing" }, error_strategy: "pause" };

/** Runs the deployed flow `divide` as one of its steps. */
export const calling = flowFile(
  "calling",
  {
    start: { type: "start" },
    call: { type: "control_subflow", config: { flow: "divide" }, constants: { a: 12, b: 4 } },
    ret: { type: "return" },
  },
  ["start > call", "call > ret", "call.result -> ret.answer"],
);

/** Carries a value that is too large for the log. */
export const large = flowFile(
  "large",
  {
    start: { type: "start" },
    range: { type: "data_list_range", constants: { start: 0, stop: 100_000 } },
    show: { type: "base_debug" },
    count: { type: "data_list_length" },
    ret: { type: "return" },
  },
  ["start > show", "show > ret", "range.list -> show.value", "range.list -> count.list", "count.length -> ret.count"],
);
