/**
 * The one error type of RayFlow and the table of its codes.
 *
 * Callers match on `code`, never on the class: errors cross processes as JSON, and a class does not survive that.
 */

/** What a code means and what the reader of the error should do about it. */
export interface ErrorCodeEntry {
  /** One sentence: what happened, and what to do. */
  readonly help: string;
  /** Whether the same call may succeed when it is tried again unchanged. */
  readonly retryable: boolean;
}

/** Every code that RayFlow itself raises. Node code may fail with codes of its own (`DivideByZero`, `HttpError`). */
export const errorCodes = {
  // A run's or a node's failure (DESIGN §4).
  ValidationError: {
    help: "An input or output does not fit its declared type: compare it with the pin's type or the flow's api_schema.",
    retryable: false,
  },
  GraphBuildError: {
    help: "The flow passed no validation but was run all the same: run `rayflow validate` on it.",
    retryable: false,
  },
  NodeLoadError: {
    help: "A node file could not be loaded: its default export must come from defineNode().",
    retryable: false,
  },
  DataNotAvailable: {
    help: "A required input has no value on this path: give the pin a literal or a default, or connect a source that runs before it.",
    retryable: false,
  },
  NodeExecutionError: { help: "The node's own code threw: see the message and the node's log.", retryable: true },
  NodeTimeout: {
    help: "The node did not finish within policy.timeout: raise it, or make the node quicker.",
    retryable: true,
  },
  ActorLost: {
    help: "The actors that ran this node died again and again: look for crashes or memory limits in the actor's log.",
    retryable: true,
  },
  IterationLimitExceeded: {
    help: "A loop passed its max_iterations: raise the limit in the loop's config if that many are meant.",
    retryable: false,
  },
  LimitExceeded: {
    help: "A run, a flow or a value is larger than the deployment allows: the message names the limit; docs/security.md says how to raise it.",
    retryable: false,
  },
  SecretNotFound: {
    help: "A flow names a secret that the actor has not: set RAYFLOW_SECRET_<NAME> where it runs, or put a file into its --secrets-dir.",
    retryable: false,
  },
  SecretNotAllowed: {
    help: "A secret is not for nodes of this type, or not usable: see the actor's --allow-secret.",
    retryable: false,
  },
  SubflowDepthExceeded: {
    help: "Runs called runs more than 32 deep: look for a flow that calls itself without an end.",
    retryable: false,
  },
  NoReturnReached: {
    help: "Every node settled and none of them was a RETURN: connect each path of the flow to a RETURN node.",
    retryable: false,
  },
  RunCancelled: { help: "The run was cancelled before it ended.", retryable: false },
  PayloadTooLarge: {
    help: "A value is larger than may travel here (see docs/large-values.md): make it smaller, or pass a reference (a URL, a key) instead.",
    retryable: false,
  },
  // What the ai nodes meet.
  ModelError: {
    help: "The model's endpoint refused the request or answered what makes no sense: the details say how it answered.",
    retryable: false,
  },
  ModelUnavailable: {
    help: "No endpoint answered in time, after all tries: look at the endpoints (VLLM_URL, RAYFLOW_MODEL_ENDPOINTS) and their load.",
    retryable: true,
  },
  ModelOutputInvalid: {
    help: "The model's answer does not fit the JSON Schema that was asked for, after all tries: simplify the schema, or take another model.",
    retryable: true,
  },
  LimitReached: {
    help: "A rate or the number of places of an endpoint or tenant is used up for longer than may be waited: raise the limit or the deadline.",
    retryable: true,
  },
  BudgetExceeded: {
    help: "The deliberation's tokens are used up: raise budget_tokens, or ask for fewer rounds or shorter answers.",
    retryable: false,
  },
  QuorumNotReached: {
    help: "Fewer agents answered before the deadline than the quorum asks for: the details say why each of the others did not.",
    retryable: false,
  },
  // What a caller of the CLI or the library meets.
  InvalidFlow: { help: "The flow has errors: each one names its node or edge and what to change.", retryable: false },
  FlowNotFound: {
    help: "No flow is deployed under this name: check the name, or send the flow itself.",
    retryable: false,
  },
  MalformedMessage: {
    help: "A message does not fit its schema and was refused: the details say which field.",
    retryable: false,
  },
  ConnectionFailed: {
    help: "No NATS server answered: start one, or set --server or NATS_URL to where it listens.",
    retryable: true,
  },
  ServerMissing: {
    help: "No nats-server binary was found: install one (brew install nats-server, or the docker image nats:2.14), or set NATS_URL.",
    retryable: false,
  },
  ServerTooOld: {
    help: "This nats-server lacks what RayFlow needs (2.12 or later with JetStream): install a newer one.",
    retryable: false,
  },
  JetStreamDisabled: {
    help: "The NATS server runs without JetStream: start it with --jetstream and a store directory.",
    retryable: false,
  },
  TopologyConflict: {
    help: "A stream or bucket of RayFlow's name or subjects exists and is of another kind: remove it, or use another NATS account.",
    retryable: false,
  },
  RunTimeout: {
    help: "The run did not end in the time the caller would wait; it goes on: look at it later by its run id.",
    retryable: true,
  },
  RunNotFound: { help: "No run of this id is in the log or the history: check the id.", retryable: false },
  RunEnded: {
    help: "The run has ended, so nothing can be done to it: `rayflow runs rerun` starts a new one from any of its nodes.",
    retryable: false,
  },
  NothingToRetry: {
    help: "No node of the run waits for a retry: `rayflow runs describe` says what it waits for.",
    retryable: false,
  },
  InvalidBreakpoint: {
    help: "A breakpoint names a node that the flow does not have, or a pure one: name a node with exec pins.",
    retryable: false,
  },
  RevisionConflict: {
    help: "Somebody else has changed it since you read it: read it again, and decide anew.",
    retryable: false,
  },
  IdempotencyKeyReused: {
    help: "This Idempotency-Key was sent before with another body: take a new key, or send the same body again.",
    retryable: false,
  },
  VariableNotFound: { help: "No variable of this name is set in this scope.", retryable: false },
  StoreConflict: {
    help: "Another writer changed this entry at the same moment, again and again: try once more.",
    retryable: true,
  },
  // What a caller of the HTTP API meets besides.
  Unauthorized: {
    help: "The gateway was started with a token: send it as Authorization: Bearer <token>.",
    retryable: false,
  },
  OriginRefused: {
    help: "A web page of another origin may not use this gateway: allow it (--cors-origin, --allowed-host), or set a token.",
    retryable: false,
  },
  RouteNotFound: { help: "The API has no such route: /openapi.json and /docs list all.", retryable: false },
  MethodNotAllowed: { help: "The route has other methods: the Allow header lists them.", retryable: false },
  UnsupportedMediaType: { help: "A body must be JSON: send Content-Type: application/json.", retryable: false },
  PortTaken: { help: "Another program listens on this port: choose another one with --port.", retryable: false },
  GatewayBusy: {
    help: "The process stops, or has as many open streams or reads of the log under way as it may: try again soon.",
    retryable: true,
  },
  InternalError: { help: "This is a defect in RayFlow: report it with what the log says.", retryable: false },
  UsageError: { help: "The command's arguments are off: see --help.", retryable: false },
  ActorStartFailed: {
    help: "An actor process ended before it was ready: its last lines of output say why.",
    retryable: false,
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

/** A failure as it travels in messages and results. `code` is stable; `message` is for people. */
export interface ErrorInfo {
  code: string;
  message: string;
  retryable: boolean;
  /** The node whose failure this is, when it is a node's. */
  node_id?: string | undefined;
  details?: unknown;
}

export interface RayflowErrorOptions {
  readonly cause?: unknown;
  /** Overrides what the code's table entry says. */
  readonly retryable?: boolean;
  readonly nodeId?: string;
  /** JSON data that helps: the issues of a validation, the limit that was passed. */
  readonly details?: unknown;
}

/** Every error that RayFlow throws on purpose. */
export class RayflowError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly nodeId: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode | (string & {}), message: string, options: RayflowErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RayflowError";
    this.code = code;
    this.retryable = options.retryable ?? lookup(code)?.retryable ?? true;
    this.nodeId = options.nodeId;
    this.details = options.details;
  }

  /** The error as it goes into messages and results. */
  toInfo(): ErrorInfo {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.nodeId === undefined ? {} : { node_id: this.nodeId }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** What to do about an error of this code; undefined for codes that node code made up. */
export function helpFor(code: string): string | undefined {
  return lookup(code)?.help;
}

const CODE_PATTERN = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Turns whatever was thrown (an Error, a string, null) into an ErrorInfo; `fallback` is the code for errors without one. */
export function toErrorInfo(thrown: unknown, fallback: ErrorCode = "NodeExecutionError"): ErrorInfo {
  if (thrown instanceof RayflowError) return thrown.toInfo();
  if (thrown instanceof Error) {
    const own = (thrown as { code?: unknown }).code;
    const code = typeof own === "string" && CODE_PATTERN.test(own) ? own : fallback;
    const wanted = (thrown as { retryable?: unknown }).retryable;
    const retryable = typeof wanted === "boolean" ? wanted : (lookup(code)?.retryable ?? true);
    return { code, message: thrown.message || thrown.name, retryable };
  }
  return { code: fallback, message: `thrown: ${describe(thrown)}`, retryable: lookup(fallback)?.retryable ?? true };
}

function lookup(code: string): ErrorCodeEntry | undefined {
  return Object.hasOwn(errorCodes, code) ? errorCodes[code as ErrorCode] : undefined;
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
