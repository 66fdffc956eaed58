/** Random valid flows for the property tests and the simulation: joins, branches, pure nodes, loops in loops. */
import { type Flow, type NodePolicy, type NodeTypes, RayflowError, validateFlow } from "../../flow/index.ts";
import { fixtureTypes, flowBuilder } from "../../flow/testing.ts";

export interface RandomFlowOptions {
  /** Exec nodes of the root region. */
  readonly nodes: number;
  /** Deepest nesting of loops. Default 0. */
  readonly loopDepth?: number;
  /** Adds retry policies, sleeps and error pins. Default false. */
  readonly faults?: boolean;
  /** Adds while and repeat loops, break, continue, signals (s0, s1, s2) and deadlines. Default false. */
  readonly control?: boolean;
  /** Adds child runs of flows with these names; `types` must hold control_subflow. Default: none. */
  readonly subflows?: readonly string[];
  /** Default: the fixtures. With `control` they must hold control_wait_signal. */
  readonly types?: NodeTypes;
}

interface Made {
  readonly id: string;
  /** Exec outputs that an edge may leave from. */
  readonly pins: readonly string[];
  /** A data output, if it has one. */
  readonly output: string | undefined;
  /** Whether that output may be wired to an input of any type. */
  readonly any: boolean;
}

/** How often a draw may come out invalid: control_sequence nodes can be wired into a circle of waits. */
const MAX_DRAWS = 1_000;

/** A flow that passes the validator, made from a source of numbers in [0, 1). */
export function randomFlow(random: () => number, options: RandomFlowOptions): Flow {
  for (let draws = 0; draws < MAX_DRAWS; draws++) {
    const drawn = draw(random, options);
    const { errors } = validateFlow(drawn, options.types ?? fixtureTypes);
    if (errors.length === 0) return drawn;
    const unexpected = errors.find((error) => error.code !== "DATA_CYCLE");
    if (unexpected)
      throw new RayflowError("GraphBuildError", `the generator made a flow with ${JSON.stringify(unexpected)}`);
  }
  throw new RayflowError("GraphBuildError", `no valid flow in ${MAX_DRAWS} draws`);
}

function draw(random: () => number, options: RandomFlowOptions): Flow {
  const strategy = random() < 0.3 ? "continue" : "abort";
  const flow = flowBuilder({
    error_strategy: options.control ? pick(["abort", "abort", "continue", "retry", "pause"]) : strategy,
    drain: options.control && random() < 0.3 ? "await" : "cancel",
  });
  let count = 0;

  flow.node("start", "start", { config: { api_schema: { x: { type: "float", default: 1 } } } });
  region({ id: "start", pins: ["finish"], output: "x", any: false }, options.nodes, options.loopDepth ?? 0, true, []);
  return flow.build();

  function pick<T>(list: readonly T[]): T {
    return list[Math.floor(random() * list.length)] as T;
  }

  function name(kind: string): string {
    return `${kind}${count++}`;
  }

  /** Fills one region; `entry` is where its first node hangs. */
  function region(entry: Made, size: number, depth: number, root: boolean, outer: readonly Made[]): Made[] {
    const made: Made[] = [];
    for (let at = 0; at < size; at++) {
      const node = one(depth, [...outer, ...made], root);
      const sources = new Set<Made>();
      const wanted = 1 + Math.floor(random() * 3);
      for (let edge = 0; edge < wanted; edge++) {
        const open = made.filter((one) => one.pins.length > 0);
        sources.add(open.length === 0 || random() < 0.15 ? entry : pick(open));
      }
      for (const source of sources) flow.exec(`${source.id}.${pick(source.pins)}`, node.id);
      made.push(node);
    }
    if (root) {
      const ends = made.filter((one) => one.pins.length > 0);
      const returned = name("ret");
      flow.node(returned, "return");
      flow.exec(`${entry.id}.${entry.pins[0]}`, returned);
      for (const end of ends) if (random() < 0.5) flow.exec(`${end.id}.${pick(end.pins)}`, returned);
      if (options.control) feed(returned, "value", made);
    }
    return made;
  }

  function one(depth: number, before: readonly Made[], root: boolean): Made {
    const special = options.control && random() < 0.3 ? control(depth, before, root) : undefined;
    if (special) return special;
    const roll = random();
    if (depth > 0 && roll < 0.2) return loop(depth, before);
    if (roll < 0.35) return branch(before);
    if (roll < 0.42 && root) {
      const id = name("ret");
      flow.node(id, "return");
      return { id, pins: [], output: undefined, any: false };
    }
    if (roll < 0.5) {
      const id = name("seq");
      flow.node(id, "control_sequence");
      return { id, pins: ["then_0", "then_1"], output: undefined, any: false };
    }
    if (options.faults && roll < 0.56) {
      const id = name("sleep");
      flow.node(id, "control_sleep", { constants: { seconds: Math.floor(random() * 3) } });
      return { id, pins: ["finish"], output: undefined, any: false };
    }
    return step(before);
  }

  function control(depth: number, before: readonly Made[], root: boolean): Made | undefined {
    const kind = pick(["signal", "leave", "while", "repeat", "deadline", "lenient"]);
    if (options.subflows && random() < 0.15) {
      const id = name("sub");
      flow.node(id, "control_subflow", { config: { flow: pick(options.subflows) } });
      return { id, pins: random() < 0.5 ? ["finish"] : ["finish", "error"], output: "result", any: false };
    }
    if (kind === "deadline") return step(before, { deadline: "5s", retry: retryOf() });
    if (kind === "lenient") return step(before, { on_error: "continue" });
    if (kind === "signal") {
      const id = name("wait");
      const timeout = random() < 0.6 ? { timeout: `${1 + Math.floor(random() * 8)}s` } : {};
      flow.node(id, "control_wait_signal", { config: { signal: pick(["s0", "s1", "s2"]), ...timeout } });
      const pins = random() < 0.5 ? ["finish"] : ["finish", "timeout"];
      return { id, pins, output: "payload", any: false };
    }
    if (kind === "leave" && !root) {
      const id = name("leave");
      flow.node(id, pick(["control_break", "control_continue"]));
      return { id, pins: [], output: undefined, any: false };
    }
    if (depth === 0 || kind === "leave") return undefined;
    return kind === "while" ? whileLoop(depth, before) : repeatLoop(depth, before);
  }

  function whileLoop(depth: number, before: readonly Made[]): Made {
    const id = name("while");
    flow.node(id, "control_while", { config: { max_iterations: 6 } });
    pureInto(`${id}.condition`, before);
    const offered = { id, pins: ["body"], output: "iteration", any: false };
    region(offered, 1 + Math.floor(random() * 2), depth - 1, false, before);
    return { id, pins: ["completed"], output: undefined, any: false };
  }

  function repeatLoop(depth: number, before: readonly Made[]): Made {
    const id = name("repeat");
    flow.node(id, "control_repeat", { constants: { times: Math.floor(random() * 4) } });
    const offered = { id, pins: ["body"], output: "index", any: false };
    region(offered, 1 + Math.floor(random() * 2), depth - 1, false, before);
    return { id, pins: ["completed"], output: "results", any: false };
  }

  function step(before: readonly Made[], given?: NodePolicy): Made {
    const id = name("n");
    const retry = options.faults && random() < 0.4 ? { policy: { retry: retryOf() } } : {};
    flow.node(id, "base_debug", given ? { policy: given } : retry);
    feed(id, "value", before);
    return {
      id,
      pins: options.faults && random() < 0.3 ? ["finish", "error"] : ["finish"],
      output: "value",
      any: true,
    };
  }

  function retryOf() {
    const max_attempts = 1 + Math.floor(random() * 3);
    return { max_attempts, initial_interval: "1s", backoff: 2, max_interval: "60s", jitter: true, non_retryable: [] };
  }

  function branch(before: readonly Made[]): Made {
    const id = name("br");
    flow.node(id, "logic_branch", { constants: { condition: true } });
    if (random() < 0.3) pureInto(`${id}.condition`, before);
    return { id, pins: ["true", "false"], output: undefined, any: false };
  }

  function loop(depth: number, before: readonly Made[]): Made {
    const id = name("each");
    const concurrency = 1 + Math.floor(random() * 3);
    const on_item_error = pick(["fail", "skip", "collect"]);
    const list = Array.from({ length: Math.floor(random() * 4) }, (_, index) => index);
    flow.node(id, "control_for_each", { config: { concurrency, on_item_error }, constants: { list } });
    const body = region(
      { id, pins: ["body"], output: "item", any: true },
      1 + Math.floor(random() * 3),
      depth - 1,
      false,
      [...before, { id, pins: [], output: "item", any: true }],
    );
    const collected = body.find((one) => one.output !== undefined);
    if (collected && random() < 0.7) flow.data(`${collected.id}.${collected.output}`, `${id}.collect`);
    return { id, pins: ["completed"], output: "results", any: false };
  }

  /** Connects an input of type any to something that runs before, maybe through a pure node. */
  function feed(id: string, pin: string, before: readonly Made[]): void {
    const sources = before.filter((one) => one.output !== undefined);
    if (sources.length === 0 || random() < 0.3) return;
    const source = pick(sources);
    if (random() < 0.3) {
      const pure = name("pure");
      flow.node(pure, "data_dict_get", { constants: { key: "k", dict: {} } });
      if (source.any) flow.data(`${source.id}.${source.output}`, `${pure}.dict`);
      flow.data(`${pure}.value`, `${id}.${pin}`);
    } else flow.data(`${source.id}.${source.output}`, `${id}.${pin}`);
  }

  function pureInto(target: string, before: readonly Made[]): void {
    const compare = name("cmp");
    flow.node(compare, "logic_compare", { config: { operator: "==" }, constants: { a: 1, b: 1 } });
    const source = before.find((one) => one.output !== undefined);
    if (source) flow.data(`${source.id}.${source.output}`, `${compare}.a`);
    flow.data(`${compare}.result`, target);
  }
}
