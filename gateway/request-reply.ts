/**
 * The request/reply service (ADR-32: `nats service ls` shows it): `rayflow.svc.flow.run` waits for a run's result,
 * `rayflow.svc.flow.validate` checks a flow, `rayflow.svc.runs.*` looks after runs, `rayflow.svc.flows.*`, `nodes.*` and
 * `variables.*` are what the HTTP API does with them. And `rayflow.svc.status`, which every orchestrator answers for itself.
 *
 * R1. When it stops, callers that still wait are told so at once; their runs go on.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { checkFlow, RayflowError } from "../flow/index.ts";
import {
  decodeMessage,
  encodeMessage,
  headerNames,
  type MicroEndpoint,
  type MicroRequest,
  type MicroService,
  type RefusalCounter,
  type RunResult,
  type Submission,
  startMicroService,
  subjects,
  submission,
  WIRE_VERSION,
} from "../nats/index.ts";
import type { TraceCarrier, Tracing } from "../telemetry/index.ts";
import { libraryService } from "./library-service.ts";
import { knownNodeTypes } from "./node-types.ts";
import { submitRun } from "./run-client.ts";
import { runsEndpoints } from "./runs-service.ts";

/** What an answer takes besides the result, bytes. */
const ANSWER_ROOM_BYTES = 4_096;
/** Endpoints that start runs. */
const SUBMITTING = new Set(["run", "runs-rerun"]);
const STATUS_SUBJECT = subjects.service("status");

export interface ServiceOptions {
  /** The version that the service shows. */
  readonly version: string;
  /** How long a request may wait for its run, ms. Default 300 000. */
  readonly timeoutMs?: number;
  /** The orchestrator of this process, for those who ask how it is. */
  readonly orchestrator?: OrchestratorView;
  /** Where the spans of requests that start runs go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
}

/** What an orchestrator shows of itself. */
export interface OrchestratorView {
  readonly id: string;
  readonly partitions: readonly number[];
  readonly activeRuns: number;
  readonly refusals: Pick<RefusalCounter, "snapshot" | "total">;
}

/** An answer to a request on `rayflow.svc.status`; every orchestrator gives one. */
export const orchestratorStatus = z.object({
  v: z.literal(WIRE_VERSION),
  id: z.string(),
  version: z.string(),
  partitions: z.array(z.number().int()),
  active_runs: z.number().int(),
  /** By subject family: how many messages were refused since the start, and why the last one was. */
  refused: z.record(z.string(), z.object({ count: z.number().int(), last_reason: z.string() })),
});
export type OrchestratorStatus = z.infer<typeof orchestratorStatus>;

export async function startService(nc: NatsConnection, options: ServiceOptions): Promise<MicroService> {
  const stopping = new AbortController();
  const library = libraryService(nc);
  const endpoints: MicroEndpoint[] = [
    {
      name: "run",
      subject: subjects.service("flow", "run"),
      metadata: {
        description: "runs a flow: {flow | flowRef, inputs, options} or a bare flow; answers with the result",
      },
      handler: (request) => run(nc, request, options, stopping.signal),
    },
    {
      name: "validate",
      subject: subjects.service("flow", "validate"),
      metadata: { description: "checks a flow; answers with {valid, errors, warnings}" },
      handler: (request) => validate(nc, request),
    },
    ...runsEndpoints(nc),
    ...library.endpoints,
  ];
  const description = "Runs flows on RayFlow";
  const service = await startMicroService(nc, {
    name: "rayflow",
    version: options.version,
    description,
    endpoints: endpoints.map((endpoint) => traced(endpoint, options.tracing)),
  });
  const asked = nc.subscribe(STATUS_SUBJECT, {
    callback: (error, message) => {
      if (error === null && options.orchestrator !== undefined) {
        message.respond(encodeMessage(statusOf(options.orchestrator, options.version)));
      }
    },
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    asked.unsubscribe();
    await service.stop();
    library[Symbol.dispose]();
  };
  return { id: service.id, stats: service.stats, stop, [Symbol.asyncDispose]: stop };
}

/** The endpoint with a SERVER span for each request that starts a run: in the caller's trace, and the run in its. */
function traced(endpoint: MicroEndpoint, tracing: Tracing | undefined): MicroEndpoint {
  if (tracing === undefined || !SUBMITTING.has(endpoint.name)) return endpoint;
  const { subject, handler } = endpoint;
  const attributes = { "rpc.system.name": "nats", "rpc.method": subject, "messaging.destination.name": subject };
  return {
    ...endpoint,
    handler: (request) =>
      tracing.inSpan({ name: subject, kind: "server", parent: carrierOf(request), attributes }, () => handler(request)),
  };
}

function carrierOf({ headers }: MicroRequest): TraceCarrier {
  const read = (name: string) => headers?.get(name) || undefined;
  return { traceparent: read(headerNames.traceparent), tracestate: read(headerNames.tracestate) };
}

/** The orchestrators that answer within `waitMs`, in no order. */
export async function askOrchestrators(nc: NatsConnection, waitMs: number): Promise<OrchestratorStatus[]> {
  const found: OrchestratorStatus[] = [];
  try {
    for await (const message of await nc.requestMany(STATUS_SUBJECT, "", { strategy: "timer", maxWait: waitMs })) {
      const decoded = decodeMessage(orchestratorStatus, message.data);
      if (decoded.ok) found.push(decoded.value);
    }
  } catch {
    // Nobody listens there at all.
  }
  return found;
}

/** Whether any orchestrator answers within `waitMs`. */
export async function hasOrchestrator(nc: NatsConnection, waitMs: number): Promise<boolean> {
  try {
    await nc.request(STATUS_SUBJECT, "", { timeout: waitMs });
    return true;
  } catch {
    return false;
  }
}

function statusOf(orchestrator: OrchestratorView, version: string): OrchestratorStatus {
  const refused = Object.entries(orchestrator.refusals.snapshot()).map(([family, { count, lastReason }]) => {
    return [family, { count, last_reason: lastReason }] as const;
  });
  return {
    v: WIRE_VERSION,
    id: orchestrator.id,
    version,
    partitions: [...orchestrator.partitions],
    active_runs: orchestrator.activeRuns,
    refused: Object.fromEntries(refused),
  };
}

async function run(
  nc: NatsConnection,
  request: MicroRequest,
  { timeoutMs }: ServiceOptions,
  stopping: AbortSignal,
): Promise<RunResult> {
  const { flow, flowRef, rerun, inputs, options } = read(request);
  const wanted = rerun ? { rerun } : flow === undefined ? { flowRef: flowRef ?? "" } : { flow };
  const msgId = request.headers?.get(headerNames.msgId);
  const submitted = await submitRun(
    nc,
    { ...wanted, inputs, options, trace: carrierOf(request) },
    {
      ...(msgId ? { msgId } : {}),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      // The answer is one message: what fits in no message stays a reference.
      maxResultBytes: (nc.info?.max_payload ?? 1_048_576) - ANSWER_ROOM_BYTES,
    },
  );
  const stopped = new Promise<never>((_, reject) => {
    const tell = (): void => {
      submitted.abandon();
      const details = { run_id: submitted.runId };
      reject(new RayflowError("ConnectionFailed", `the service stops; run ${submitted.runId} goes on`, { details }));
    };
    if (stopping.aborted) tell();
    else stopping.addEventListener("abort", tell, { once: true });
    const forget = (): void => stopping.removeEventListener("abort", tell);
    submitted.result.then(forget, forget);
  });
  return Promise.race([submitted.result, stopped]);
}

async function validate(nc: NatsConnection, request: MicroRequest): Promise<unknown> {
  const { flow } = read(request);
  const { valid, errors, warnings } = checkFlow(flow, await knownNodeTypes(nc));
  return { valid, errors, warnings };
}

function read({ data }: MicroRequest): Submission {
  const decoded = decodeMessage(submission, data);
  if (decoded.ok) return decoded.value;
  throw new RayflowError("MalformedMessage", `the request cannot be read: ${decoded.reason}`);
}
