/**
 * Every message on the wire, as a zod schema. Parsed once where it enters a process, trusted inside. Pure: the
 * browser reads the log with these too.
 */
import { z } from "zod";
import { type ErrorInfo, flow, nodeType } from "../flow/index.ts";

/** Version of the wire format; a message of another version is refused. */
export const WIRE_VERSION = 1;
const v = z.literal(WIRE_VERSION);

const jsonObject = z.record(z.string(), z.unknown());
/** Milliseconds since 1970 by the clock of whoever wrote it. */
const epochMs = z.number();

export const errorInfo = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  node_id: z.string().optional(),
  details: z.unknown().optional(),
});

// ---------------------------------------------------------------- submissions

/** What a publisher may set for one run. */
export const runOptions = z.object({
  /** Emits an event per node to `rayflow.event.<run>.node`. Default true. */
  events: z.boolean().optional(),
  /** Puts inputs and outputs into those events. Default false. */
  debug: z.boolean().optional(),
  /** Overrides the flow's error_strategy. */
  error_strategy: z.enum(["abort", "continue", "retry", "pause"]).optional(),
  /** Overrides the flow's drain. */
  drain: z.enum(["cancel", "await"]).optional(),
  /** Nodes at which the run is held until somebody steps or goes on. A child run has none of its parent's. */
  breakpoints: z.array(z.string()).max(10_000).optional(),
});
export type RunOptions = z.infer<typeof runOptions>;

/** Which run to run again, and from where. */
export const rerun = z.object({
  run: z.string(),
  /** The node to begin with; it and all that follows from it runs anew. Absent: what failed or never ran. */
  from: z.string().optional(),
  /** Replace gathered inputs of `from` (of START: inputs of the run). */
  inputs: jsonObject.optional(),
});
export type Rerun = z.infer<typeof rerun>;

/** Results of an earlier run that a run takes as its own. */
export const reuse = z.object({
  run: z.string(),
  /** By node of the root scope: the exec outputs it took, and its outputs. */
  results: z.record(z.string(), z.object({ pins: z.array(z.string()), outputs: jsonObject })),
  /** By node: inputs in the place of the gathered ones. */
  inputs: z.record(z.string(), jsonObject).optional(),
});
export type Reuse = z.infer<typeof reuse>;

/** The envelope on `rayflow.flow.run`. A bare flow is read as `{flow}`. */
export const submission = z.preprocess(
  (json) => (isBareFlow(json) ? { flow: json } : json),
  z
    .object({
      flow: jsonObject.optional(),
      /** A deployed flow: `name` or `name@version`. */
      flowRef: z.string().optional(),
      /** A finished run, to be run again with what it had before a node. */
      rerun: rerun.optional(),
      inputs: jsonObject.default({}),
      options: runOptions.default({}),
    })
    .refine(
      ({ flow, flowRef, rerun: again }) => [flow, flowRef, again].filter((one) => one !== undefined).length === 1,
      {
        message: "exactly one of flow, flowRef and rerun is wanted",
      },
    ),
);
export type Submission = z.infer<typeof submission>;

/** The editor's export has a `flow` too; what tells it from an envelope is what only flows have beside it. */
function isBareFlow(json: unknown): boolean {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return false;
  return ["nodes", "metadata", "variables"].some((key) => Object.hasOwn(json, key));
}

// ------------------------------------------------------------------- dispatch

/** Longest time of one attempt that says nothing else, ms. */
export const DEFAULT_TIMEOUT_MS = 300_000;

/** The activation that an execution id names: what is before `#<attempt>`. */
export function activationOf(id: string): string {
  const end = id.lastIndexOf("#");
  return end < 0 ? id : id.slice(0, end);
}

/**
 * One activation (`exec`) or one evaluation of a pure node (`data`), as an actor receives it. What most entries have in
 * common may be left out on the wire: see the defaults.
 */
export const dispatchEntry = z
  .object({
    kind: z.enum(["exec", "data"]).default("exec"),
    /** The execution id: the same after every recovery, another for every attempt. */
    id: z.string(),
    run: z.string(),
    /** The flow's name: the scope of its `flow` variables. */
    flow: z.string(),
    partition: z.number().int().nonnegative(),
    node: z.string(),
    /** `` for the root, `each[3]`, `each[3]/inner[0]`. */
    scope: z.string().default(""),
    attempt: z.number().int().min(1).default(1),
    inputs: jsonObject,
    config: jsonObject.default({}),
    /** Longest time of this attempt, ms. */
    timeout_ms: z.number().positive().default(DEFAULT_TIMEOUT_MS),
    /** The longest silence of this attempt, ms; node code calls `ctx.heartbeat()`. */
    heartbeat_ms: z.number().positive().optional(),
    /** When all attempts together must have ended. */
    deadline: epochMs.optional(),
    /** The same for all attempts of one activation: what makes an effect happen once. Default: the id without its `#<attempt>`. */
    idempotency_key: z.string().optional(),
    /** Opt-in: what the same inputs gave before may serve, for so many ms. `key`: a template that names the inputs that count. */
    cache: z.object({ ttl_ms: z.number().positive(), key: z.string().optional() }).optional(),
    /** Outputs that the run machine reads itself: they stay in the message while there is room, however large. */
    inline: z.array(z.string()).optional(),
    /** The run that this one's large values lie under, when it is not the run itself: the outermost of its parents. */
    blob_run: z.string().optional(),
    /** How many actors were lost over it in messages before this one. */
    lost: z.number().int().nonnegative().optional(),
    /** Config, and the constants of these inputs, hold references to secrets. Absent: none of them does. */
    secrets: z.array(z.string()).optional(),
    /** To be sent back with the result, which counts for nothing without it. To be kept to oneself. */
    token: z.string().optional(),
    /** The span that sends it (W3C); absent: the run is not traced. */
    traceparent: z.string().optional(),
    tracestate: z.string().optional(),
  })
  .transform((entry) => ({ ...entry, idempotency_key: entry.idempotency_key ?? activationOf(entry.id) }));
export type DispatchEntry = z.infer<typeof dispatchEntry>;

/** A message on `rayflow.node.<type>`. */
export const dispatchMessage = z.object({ v, type: z.string(), entries: z.array(dispatchEntry).min(1).max(256) });
export type DispatchMessage = z.infer<typeof dispatchMessage>;

// -------------------------------------------------------------------- results

export const nodeResult = z.object({
  /** The execution id of the dispatch entry that it answers. */
  id: z.string(),
  run: z.string(),
  status: z.enum(["ok", "error"]),
  outputs: jsonObject.optional(),
  /** The exec outputs that become TAKEN; absent: the only one, `finish`. */
  exec: z.array(z.string()).optional(),
  /** No code ran: the outputs are those of an earlier result (`policy.cache`). */
  cached: z.boolean().optional(),
  error: errorInfo.optional(),
  started_at: epochMs,
  /** How long the node's code ran, ms. */
  duration_ms: z.number().nonnegative(),
  /** The actor process that ran it. */
  actor: z.string(),
});
export type NodeResult = z.infer<typeof nodeResult>;

/** Results of one node type as they are folded and kept. */
export const resultMessage = z.object({ v, type: z.string(), results: z.array(nodeResult).min(1).max(256) });
export type ResultMessage = z.infer<typeof resultMessage>;

/** A result as its actor sends it: with the token of its dispatch entry. Who reads the log checks it and takes it away. */
export const sentResult = nodeResult.extend({ token: z.string().optional() });
export type SentResult = z.infer<typeof sentResult>;

/** A message on `rayflow.result.<type>.<partition>`. */
export const sentResultMessage = resultMessage.extend({ results: z.array(sentResult).min(1).max(256) });
export type SentResultMessage = z.infer<typeof sentResultMessage>;

// ------------------------------------------------------- the rest of a run's log

export const runStatus = z.enum(["succeeded", "failed", "cancelled"]);
export type RunStatus = z.infer<typeof runStatus>;

/** What people get of a finished run: HTTP, CLI and request/reply alike. Times are seconds. */
export const runResult = z.object({
  run_id: z.string(),
  success: z.boolean(),
  status: runStatus,
  /** The name of the RETURN that was reached. */
  return: z.string().nullable(),
  status_code: z.number().int().nullable(),
  result: jsonObject.nullable(),
  error: errorInfo.nullable(),
  statistics: z.object({
    total_time: z.number(),
    nodes_executed: z.number().int(),
    nodes_failed: z.number().int(),
    nodes_skipped: z.number().int(),
    node_times: z.record(z.string(), z.number()),
    errors: z.array(errorInfo),
  }),
});
export type RunResult = z.infer<typeof runResult>;

/** The result object of a run that never got as far as its first node, or that cannot be folded on. */
export function failedResult(run: string, error: ErrorInfo): RunResult {
  return {
    run_id: run,
    success: false,
    status: "failed",
    return: null,
    status_code: null,
    result: null,
    error,
    statistics: {
      total_time: 0,
      nodes_executed: 0,
      nodes_failed: 0,
      nodes_skipped: 0,
      node_times: {},
      errors: [error],
    },
  };
}

export const submittedMessage = z.object({
  v,
  kind: z.literal("submitted"),
  run: z.string(),
  flow,
  /** The node types that the flow uses, as they were: a run is pinned to them. */
  types: z.array(nodeType),
  inputs: jsonObject,
  options: runOptions,
  /** Where the publisher wants the result. */
  reply: z.string().optional(),
  /**
   * The span that the run is a part of (W3C), or its own when nobody sent one. That it is there says that the run is
   * traced: decided once, where the submission was taken in.
   */
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
  reuse: reuse.optional(),
  /** What the run may take, where that is not the default: see `flow/limits.ts`. */
  limits: z.record(z.string(), z.number().nonnegative()).optional(),
  /** Under this hash the flow and its types are stored: what is written need not carry them. */
  blueprint: z.string().optional(),
  /** The activation of a control_subflow that waits for this run. */
  parent: z
    .object({
      run: z.string(),
      execution: z.string(),
      depth: z.number().int(),
      /** The outermost run: large values of all runs inside it lie under its id. */
      root: z.string().optional(),
    })
    .optional(),
});

/** A message on `rayflow.run.<partition>.<run>`. */
export const runMessage = z.discriminatedUnion("kind", [
  submittedMessage,
  /** A dispatch that could not be sent: the failure of that execution. */
  z.object({ v, kind: z.literal("undeliverable"), run: z.string(), id: z.string(), error: errorInfo }),
  z.object({ v, kind: z.literal("timer"), run: z.string(), id: z.string() }),
  z.object({ v, kind: z.literal("signal"), run: z.string(), signal: z.string(), payload: z.unknown(), id: z.string() }),
  /** A child run ended. */
  z.object({ v, kind: z.literal("child"), run: z.string(), execution: z.string(), result: runResult }),
  z.object({
    v,
    kind: z.literal("control"),
    run: z.string(),
    action: z.enum(["cancel", "terminate", "pause", "resume", "retry", "breakpoints", "step", "continue"]),
    /** For retry: the node; absent: every failed one. */
    node: z.string().optional(),
    /** For breakpoints: all that there are from now on. With an `id`, a command counts once. */
    nodes: z.array(z.string()).max(10_000).optional(),
    id: z.string().optional(),
    reason: z.string().optional(),
  }),
  z.object({ v, kind: z.literal("finished"), run: z.string(), result: runResult }),
]);
export type RunMessage = z.infer<typeof runMessage>;
export type SubmittedMessage = Extract<RunMessage, { kind: "submitted" }>;

/** A message on `rayflow.run.many.finished`: runs that have ended, of whichever partitions. */
export const endsMessage = z.object({ v, results: z.array(runResult).min(1).max(256) });
export type EndsMessage = z.infer<typeof endsMessage>;

/** A `submitted` message on the wire when its flow and types are stored under a hash. */
export const submittedByRef = submittedMessage
  .omit({ flow: true, types: true })
  .extend({ kind: z.literal("submitted_ref"), blueprint: z.string() });
export type SubmittedByRef = z.infer<typeof submittedByRef>;

/** A run message as it is written: readers put the flow back into a `submitted_ref`. */
export const storedRunMessage = z.discriminatedUnion("kind", [...runMessage.options, submittedByRef]);
export type StoredRunMessage = z.infer<typeof storedRunMessage>;

/** A run message without what is stored elsewhere. */
export function toStored(message: RunMessage): StoredRunMessage {
  if (message.kind !== "submitted" || message.blueprint === undefined) return message;
  const { flow: _flow, types: _types, blueprint, ...rest } = message;
  return { ...rest, kind: "submitted_ref", blueprint };
}

// ----------------------------------------------------------- news and answers

/** A message on `rayflow.cancel.<run>`: stop these executions, or all of the run's. */
export const cancelMessage = z.object({ v, run: z.string(), executions: z.array(z.string()).optional() });
export type CancelMessage = z.infer<typeof cancelMessage>;

/** One step of a run as watchers see it, on `rayflow.event.<run>.node`. */
export const nodeEvent = z.object({
  node: z.string(),
  type: z.string(),
  scope: z.string(),
  attempt: z.number().int(),
  state: z.enum(["running", "completed", "failed", "skipped", "waiting", "retrying", "held", "cancelled"]),
  /** Seconds the node's code ran, once it ended. */
  time: z.number().optional(),
  inputs: jsonObject.optional(),
  outputs: jsonObject.optional(),
  error: errorInfo.optional(),
});
export type NodeEvent = z.infer<typeof nodeEvent>;

export const runEvent = z.discriminatedUnion("kind", [
  z.object({ v, kind: z.literal("accepted"), run_id: z.string(), flow: z.string() }),
  z.object({
    v,
    kind: z.literal("refused"),
    run_id: z.string(),
    error: errorInfo,
    errors: z.array(z.unknown()).optional(),
    warnings: z.array(z.unknown()).optional(),
  }),
  z.object({ v, kind: z.literal("node"), run_id: z.string(), seq: z.number().int(), nodes: z.array(nodeEvent) }),
  /** A node's type has no actor that takes its work: the run goes on when one appears. */
  z.object({
    v,
    kind: z.literal("waiting"),
    run_id: z.string(),
    node: z.string(),
    type: z.string(),
    seconds: z.number(),
  }),
  z.object({ v, kind: z.literal("finished"), run_id: z.string(), result: runResult }),
]);
/** A message on `rayflow.event.<run>.<kind>`; `accepted`, `refused` and `finished` also go to `Rayflow-Reply`. */
export type RunEvent = z.infer<typeof runEvent>;

/** Headers that RayFlow reads or writes. */
export const headerNames = {
  /** Where the publisher of a submission wants its answers. */
  reply: "Rayflow-Reply",
  traceparent: "traceparent",
  tracestate: "tracestate",
  /** The runs whose ends share a message, with commas between: for who reads headers alone. */
  ends: "Rayflow-Ends",
  /** JetStream's own, spelled as the server spells it: the idempotency key. */
  msgId: "Nats-Msg-Id",
} as const;
