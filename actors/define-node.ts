/**
 * `defineNode` and `defineControl`: from what an author writes to what the catalog, the validator and the actor need.
 *
 * About seventy types load whenever a process starts, so what is costly (JSON Schemas, zod objects) is made at first use.
 */
import { z } from "zod";
import { type ExecOutputs, type NodeType, nodeType as nodeTypeSchema, RayflowError } from "../flow/index.ts";
import {
  type ControlSpec,
  type NodeDefinition,
  type NodeOutcome,
  type NodeSpec,
  type NoPins,
  type PinSchemas,
  Taken,
} from "./node-definition.ts";
import { derivePins } from "./pins.ts";
import { ioChecks } from "./validate-io.ts";

/** Marks a definition; the same symbol in every copy of this package, so that the loader knows a foreign one. */
const DEFINITION = Symbol.for("rayflow.node-definition");
const PIN_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const FINISH: ExecOutputs = { from: "type", pins: ["finish"] };

/**
 * A node that an actor runs. A node file's default export.
 * @throws NodeLoadError when the type's name or a pin's name is not allowed.
 */
export function defineNode<
  I extends PinSchemas = NoPins,
  O extends PinSchemas = NoPins,
  C extends z.ZodType = z.ZodType<Record<string, never>>,
>(spec: NodeSpec<I, O, C>): NodeDefinition {
  const inputs: PinSchemas = spec.inputs ?? {};
  const outputs: PinSchemas = spec.outputs ?? {};
  const exec = execOutputsOf(spec.exec);
  const nodeType = describe(spec, inputs, outputs, {
    kind: "actor",
    pure: spec.pure ?? false,
    version: spec.version ?? "1",
    exec: { input: true, outputs: exec, error: true },
  });
  const checks = ioChecks(spec.type, { inputs, outputs, config: spec.config });
  type Args = Parameters<typeof spec.run>[0];

  return brand({
    nodeType,
    async execute(values, rawConfig, ctx) {
      const config = checks.config(rawConfig);
      const args = { inputs: checks.inputs(values), config, ctx } as Args;
      const returned: unknown = await spec.run(args);
      const pins = execPins(exec, rawConfig);
      if (Taken.is(returned)) {
        const undeclared = returned.pins.filter((pin) => !pins.has(pin));
        if (undeclared.length > 0) {
          throw new RayflowError(
            "ValidationError",
            `${spec.type}: take() names an exec output that is not declared: ${undeclared.join(", ")}`,
          );
        }
        return { outputs: checks.outputs(returned.outputs, true), exec: returned.pins };
      }
      return { outputs: checks.outputs(returned, false), exec: pins.only(spec.type) };
    },
  });
}

/** A node that the run machine handles itself: this only declares its pins. */
export function defineControl(spec: ControlSpec): NodeDefinition {
  return brand({
    nodeType: describe(spec, spec.inputs ?? {}, spec.outputs ?? {}, {
      kind: spec.kind,
      pure: false,
      version: "1",
      open_inputs: spec.openInputs ?? false,
      outputs_from_api_schema: spec.outputsFromApiSchema ?? false,
      exec: {
        input: spec.exec?.input ?? true,
        outputs: execOutputsOf(spec.exec?.outputs),
        error: spec.exec?.error ?? true,
      },
    }),
    execute: undefined,
  });
}

/** Opens these exec outputs; all others of the node are dead. Only the outputs given here are set. */
export function take<O extends Record<string, unknown> = Record<never, never>>(
  pins: string | readonly string[],
  outputs?: O,
): Taken<O> {
  return new Taken(typeof pins === "string" ? [pins] : pins, (outputs ?? {}) as O);
}

/** Whether a value came out of `defineNode` or `defineControl`, of this copy of the package or another. */
export function isNodeDefinition(value: unknown): value is NodeDefinition {
  return typeof value === "object" && value !== null && DEFINITION in value;
}

function brand(definition: NodeDefinition): NodeDefinition {
  return Object.freeze(Object.assign(definition, { [DEFINITION]: 1 }));
}

type Described = Pick<NodeSpec, "type" | "title" | "category" | "description"> & { config?: z.ZodType };

function describe(
  spec: Described,
  inputs: PinSchemas,
  outputs: PinSchemas,
  rest: Pick<NodeType, "kind" | "pure" | "version" | "exec"> & Partial<NodeType>,
): NodeType {
  if (!nodeTypeSchema.shape.type.safeParse(spec.type).success) {
    throw new RayflowError(
      "NodeLoadError",
      `"${spec.type}" is no type name: lower-case letters, digits and _, 64 at most`,
    );
  }
  checkPins(spec.type, Object.keys(inputs));
  checkPins(spec.type, Object.keys(outputs));
  const { outputs: exec } = rest.exec;
  if (exec.from === "type") checkPins(spec.type, exec.pins);
  if (rest.exec.error && (Object.hasOwn(outputs, "error") || (exec.from === "type" && exec.pins.includes("error")))) {
    throw new RayflowError("NodeLoadError", `${spec.type}: every node has an output "error" already; throw to take it`);
  }
  const described = {
    v: 1 as const,
    type: spec.type,
    title: spec.title,
    category: spec.category,
    description: spec.description ?? "",
    inputs: derivePins(inputs, "input"),
    outputs: derivePins(outputs, "output"),
    open_inputs: false,
    outputs_from_api_schema: false,
    ...rest,
  };
  return withLazyConfig(described, spec.config);
}

/** A JSON Schema costs more than all the rest of a type: it is made when someone reads `config`. */
function withLazyConfig(described: Omit<NodeType, "config">, config: z.ZodType | undefined): NodeType {
  let schema: Record<string, unknown> | undefined;
  return Object.defineProperty(described, "config", {
    enumerable: true,
    get() {
      schema ??= config
        ? { ...z.toJSONSchema(config, { target: "draft-7", io: "input", unrepresentable: "any" }) }
        : { type: "object", properties: {} };
      return schema;
    },
  }) as NodeType;
}

function checkPins(type: string, names: readonly string[]): void {
  for (const name of names) {
    if (!PIN_PATTERN.test(name)) throw new RayflowError("NodeLoadError", `${type}: "${name}" is no name for a pin`);
  }
}

function execOutputsOf(exec: string[] | ExecOutputs | undefined): ExecOutputs {
  if (exec === undefined) return FINISH;
  return Array.isArray(exec) ? { from: "type", pins: exec } : exec;
}

/** The exec outputs that a node has under this config. */
function execPins(
  exec: ExecOutputs,
  config: Record<string, unknown>,
): { has(pin: string): boolean; only(type: string): NodeOutcome["exec"] } {
  const pins = pinsUnder(exec, config);
  return {
    has: (pin) => (exec.from === "edges" ? pin.startsWith(exec.prefix) : pins.includes(pin)),
    only(type) {
      if (pins.length === 0 || pins.includes("finish")) return undefined;
      if (pins.length === 1) return pins;
      throw new RayflowError(
        "ValidationError",
        `${type}: run() must say which exec output to take: ${pins.join(", ")}`,
      );
    },
  };
}

function pinsUnder(exec: ExecOutputs, config: Record<string, unknown>): readonly string[] {
  switch (exec.from) {
    case "type":
      return exec.pins;
    case "list": {
      const entries = config[exec.key];
      const count = Array.isArray(entries) ? entries.length : 0;
      return [...Array.from({ length: count }, (_, at) => `${exec.prefix}${at}`), ...exec.also];
    }
    case "flag":
      return config[exec.key] === true ? exec.pins : exec.otherwise;
    case "edges":
      return [];
  }
}
