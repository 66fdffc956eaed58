/**
 * What a node type declares about itself. It is JSON, so that an actor in any language can write it into the
 * catalog; the validator, the graph builder, the editor and the run machine all work from it.
 */
import { z } from "zod";

export const pin = z.object({
  /** Written pin type: `float`, `list[str]`. */
  type: z.string(),
  /** An input without `required` and without a default may stay absent. Default false. */
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  description: z.string().optional(),
});
export type Pin = z.infer<typeof pin>;

/** Which exec outputs a node has; some depend on the node's config. */
export const execOutputs = z.discriminatedUnion("from", [
  /** Always these, in this order. */
  z.object({ from: z.literal("type"), pins: z.array(z.string()) }),
  /** One `<prefix><i>` per entry of the list at `config[key]`, then `also` (`logic_switch`). */
  z.object({ from: z.literal("list"), key: z.string(), prefix: z.string(), also: z.array(z.string()) }),
  /** `pins` when `config[key]` is true, else `otherwise` (`logic_if_else`). */
  z.object({ from: z.literal("flag"), key: z.string(), pins: z.array(z.string()), otherwise: z.array(z.string()) }),
  /** As many `<prefix><i>` as the flow connects, counted from 0 (`control_sequence`). */
  z.object({ from: z.literal("edges"), prefix: z.string() }),
]);
export type ExecOutputs = z.infer<typeof execOutputs>;

/**
 * Who does the work. `actor`: a message to `rayflow.node.<type>`. All others are moves of the run machine itself
 * and need no actor.
 */
export const nodeKind = z.enum([
  "actor",
  "start",
  "return",
  "for_each",
  "while",
  "repeat",
  "break",
  "continue",
  "sequence",
  "subflow",
  "sleep",
  "wait_signal",
]);
export type NodeKind = z.infer<typeof nodeKind>;

export const nodeType = z.object({
  v: z.literal(1),
  type: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  kind: nodeKind,
  /** Changes when the behaviour does: part of a cached result's key. */
  version: z.string(),
  title: z.string(),
  category: z.string(),
  description: z.string(),
  /** Whether it may be used without exec edges, to be evaluated when a consumer needs it. */
  pure: z.boolean(),
  inputs: z.record(z.string(), pin),
  outputs: z.record(z.string(), pin),
  /** Takes inputs of any name, of type any (`return`, `control_subflow`). */
  open_inputs: z.boolean(),
  /** Outputs come from the `api_schema` in the node's config (`start`); without one, of any name. */
  outputs_from_api_schema: z.boolean(),
  exec: z.object({
    /** Whether it has the exec input `exec`. */
    input: z.boolean(),
    outputs: execOutputs,
    /** Whether it has the exec output `error` and the data output `error`. */
    error: z.boolean(),
  }),
  /** JSON Schema (draft-07) of `config`. */
  config: z.record(z.string(), z.unknown()),
});
export type NodeType = z.infer<typeof nodeType>;

/** Looks a canonical type name up; undefined when nobody declared it. */
export type NodeTypes = ReadonlyMap<string, NodeType>;
