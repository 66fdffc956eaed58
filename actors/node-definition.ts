/** What a node is to the actor that runs it: the types behind `defineNode`. */
import type { Tracer } from "@opentelemetry/api";
import type { z } from "zod";
import type { ExecOutputs, NodeKind, NodeType } from "../flow/index.ts";
import type { Variables } from "../store/index.ts";
import type { ModelAccess } from "./model-access.ts";
import type { Published } from "./node-publish.ts";

export type { VariableScope, Variables } from "../store/index.ts";
export type { Published } from "./node-publish.ts";

/** Pins as an author writes them: a zod schema each. */
export type PinSchemas = Record<string, z.ZodType>;

/** No pins, for a node that declares none. */
export type NoPins = Record<never, z.ZodType>;
/** What `run` is given: defaults are filled in, an optional pin may be absent. */
export type InputValues<I extends PinSchemas> = z.output<z.ZodObject<I>>;
/** What `run` gives back: a pin that is optional or has a default may be left out. */
export type OutputValues<O extends PinSchemas> = z.input<z.ZodObject<O>>;
/** Outputs, or the exec outputs to open; nothing at all where no output is required. */
export type RunResult<O extends PinSchemas> =
  | OutputValues<O>
  | Taken<Partial<OutputValues<O>>>
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without return is what authors write
  | (Record<never, never> extends OutputValues<O> ? void : never);

/** What the deployment allows and offers to node code. */
export interface NodeResources {
  /** The folder that `io_file_*` may use; undefined: none. */
  readonly filesRoot: string | undefined;
  /** Whether `io_http_request` may reach private, loopback and link-local addresses. Default false. */
  readonly allowPrivateAddresses: boolean;
  /** Addresses and networks (`10.1.0.0/16`) that it may reach besides the public ones. Default: none. */
  readonly allowedAddresses?: readonly string[] | undefined;
  /** Core NATS for `io_nats_*`; the subject has been checked by the node. */
  readonly publish: (subject: string, payload: Uint8Array) => void;
  readonly request: (subject: string, payload: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  /** The same as `publish`, until a stream has it: once for each id. */
  readonly publishStored: (subject: string, payload: Uint8Array, msgId: string) => Promise<Published>;
  readonly models: ModelAccess;
}

export interface NodeLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What node code knows of the execution it is in. */
export interface NodeContext {
  readonly runId: string;
  readonly flow: string;
  readonly nodeId: string;
  /** `` for the root, `each[3]` in the fourth iteration of `each`. */
  readonly scope: string;
  /** From 1. */
  readonly attempt: number;
  /** The same for every attempt and redelivery of this activation: hand it to the services that you call. */
  readonly idempotencyKey: string;
  /** Aborts when the run is cancelled or ended, the attempt timed out, or the actor stops. */
  readonly signal: AbortSignal;
  /** When this attempt times out, ms since 1970. */
  readonly deadline: number;
  readonly log: NodeLog;
  /**
   * OpenTelemetry's: its spans are children of this attempt's. Where nobody traces it does nothing, so code need not ask.
   */
  readonly tracer: Tracer;
  readonly variables: Variables;
  readonly resources: NodeResources;
  /** Says that a long attempt still lives, for `policy.heartbeat`. */
  heartbeat(): void;
  /**
   * Publishes JSON to a subject that is not RayFlow's own and not the server's. With an `id` it waits until a stream has
   * it, once for each id: derive it from `idempotencyKey`. Without one it is live and lossy.
   * @throws SubjectNotAllowed
   */
  publish(subject: string, data: unknown, options?: { readonly id?: string }): Promise<Published>;
}

const TAKEN = Symbol.for("rayflow.taken");

/** What `take` gives: which exec outputs open, and the outputs with them. */
export class Taken<O> {
  readonly pins: readonly string[];
  readonly outputs: O;
  /** Known across copies of this package, which `instanceof` is not. */
  readonly [TAKEN] = true;

  constructor(pins: readonly string[], outputs: O) {
    this.pins = pins;
    this.outputs = outputs;
  }

  static is(value: unknown): value is Taken<unknown> {
    return typeof value === "object" && value !== null && TAKEN in value;
  }
}

/** What an author hands to `defineNode`. */
export interface NodeSpec<
  I extends PinSchemas = NoPins,
  O extends PinSchemas = NoPins,
  C extends z.ZodType = z.ZodType<Record<string, never>>,
> {
  /** `<category>_<name>`, snake_case. */
  type: string;
  title: string;
  category: string;
  description?: string;
  /** Part of a cached result's key. Default "1". */
  version?: string;
  /** May be used without exec edges, to be evaluated when its value is needed. Default false. */
  pure?: boolean;
  inputs?: I;
  outputs?: O;
  /** A zod object; parsed before `run`, so defaults are filled in. */
  config?: C;
  /** Exec outputs. Default: the one called `finish`. */
  exec?: string[] | ExecOutputs;
  /**
   * The work. Inputs and config come validated, defaults filled in. What it throws fails the node: a RayflowError
   * with its code and `retryable`, anything else as NodeExecutionError.
   */
  run(args: {
    inputs: InputValues<I>;
    config: z.output<C>;
    ctx: NodeContext;
  }): RunResult<NoInfer<O>> | Promise<RunResult<NoInfer<O>>>;
}

/** A node as the registry holds it. */
export interface NodeDefinition {
  readonly nodeType: NodeType;
  /**
   * Undefined for the kinds that the run machine handles itself.
   * @throws ValidationError when inputs, config or what `run` gave do not fit; whatever `run` throws passes through.
   */
  readonly execute:
    | ((inputs: Record<string, unknown>, config: Record<string, unknown>, ctx: NodeContext) => Promise<NodeOutcome>)
    | undefined;
}

/** What an execution gave. */
export interface NodeOutcome {
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Undefined: the only exec output, `finish`. */
  readonly exec: readonly string[] | undefined;
  /** It was there already: no code ran. */
  readonly cached?: true;
}

/** What the author of a built-in control node declares; the run machine does the rest. */
export interface ControlSpec {
  type: string;
  kind: Exclude<NodeKind, "actor">;
  title: string;
  category: string;
  description?: string;
  inputs?: PinSchemas;
  outputs?: PinSchemas;
  openInputs?: boolean;
  outputsFromApiSchema?: boolean;
  config?: z.ZodType;
  /** Default: input `exec`, output `finish`, and `error`. */
  exec?: { input?: boolean; outputs?: string[] | ExecOutputs; error?: boolean };
}
