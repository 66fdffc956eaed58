/**
 * A service that `nats service ls`, `info`, `stats` and `ping` know: ADR-32, micro services, on a plain connection.
 * Requests to one endpoint are shared among all instances of the service (queue group `q`).
 */
import {
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  nuid,
  type Payload,
  type Subscription,
} from "@nats-io/transport-node";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { encodeMessage } from "./decode.ts";
import { serverAway } from "./server-away.ts";

export interface MicroRequest {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

export interface MicroEndpoint {
  /** `A-Z a-z 0-9 _ -`. */
  readonly name: string;
  readonly subject: string;
  readonly metadata?: Record<string, string>;
  /** Gives the answer: bytes as they are, anything else as JSON. What it throws goes into the error headers. */
  readonly handler: (request: MicroRequest) => Promise<unknown>;
}

export interface MicroServiceOptions {
  readonly name: string;
  /** As in semantic versioning. */
  readonly version: string;
  readonly description?: string;
  readonly metadata?: Record<string, string>;
  readonly endpoints: readonly MicroEndpoint[];
}

export interface EndpointStats {
  readonly name: string;
  readonly subject: string;
  readonly queue_group: string;
  num_requests: number;
  num_errors: number;
  last_error: string;
  /** Nanoseconds. */
  processing_time: number;
  average_processing_time: number;
}

export interface MicroService extends AsyncDisposable {
  readonly id: string;
  /** By endpoint, since the start. */
  readonly stats: readonly EndpointStats[];
  /** Takes no new requests and resolves when those under way have been answered. */
  stop(): Promise<void>;
}

const QUEUE_GROUP = "q";
const ERROR = "Nats-Service-Error";
const ERROR_CODE = "Nats-Service-Error-Code";
const NAME_PATTERN = /^[A-Za-z0-9_-]+$/;
const VERSION_PATTERN = /^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/;

export async function startMicroService(nc: NatsConnection, options: MicroServiceOptions): Promise<MicroService> {
  for (const name of [options.name, ...options.endpoints.map((endpoint) => endpoint.name)]) {
    if (!NAME_PATTERN.test(name)) throw new RayflowError("ValidationError", `not fit as a service name: ${name}`);
  }
  if (!VERSION_PATTERN.test(options.version)) {
    throw new RayflowError("ValidationError", `no semantic version: ${options.version}`);
  }
  const id = nuid.next();
  const started = new Date().toISOString();
  const identity = { name: options.name, id, version: options.version, metadata: options.metadata ?? {} };
  const stats = options.endpoints.map(
    ({ name, subject }): EndpointStats => ({
      name,
      subject,
      queue_group: QUEUE_GROUP,
      num_requests: 0,
      num_errors: 0,
      last_error: "",
      processing_time: 0,
      average_processing_time: 0,
    }),
  );
  const endpoints = options.endpoints.map(({ name, subject, metadata }) => ({
    name,
    subject,
    queue_group: QUEUE_GROUP,
    metadata: metadata ?? {},
  }));
  const answers: Record<string, () => unknown> = {
    PING: () => ({ type: "io.nats.micro.v1.ping_response", ...identity }),
    INFO: () => ({
      type: "io.nats.micro.v1.info_response",
      ...identity,
      description: options.description ?? "",
      endpoints,
    }),
    STATS: () => ({ type: "io.nats.micro.v1.stats_response", ...identity, started, endpoints: stats }),
  };

  const subscriptions: Subscription[] = [];
  for (const [verb, answer] of Object.entries(answers)) {
    for (const suffix of ["", `.${options.name}`, `.${options.name}.${id}`]) {
      const callback = (error: Error | null, msg: Msg) => {
        if (error === null) msg.respond(encodeMessage(answer()));
      };
      subscriptions.push(nc.subscribe(`$SRV.${verb}${suffix}`, { callback }));
    }
  }
  const underWay = new Set<Promise<void>>();
  for (const [at, endpoint] of options.endpoints.entries()) {
    const endpointStats = stats[at];
    if (endpointStats === undefined) continue;
    const callback = (error: Error | null, msg: Msg) => {
      if (error !== null) return;
      const answering: Promise<void> = serve(endpoint, endpointStats, msg).finally(() => underWay.delete(answering));
      underWay.add(answering);
    };
    subscriptions.push(nc.subscribe(endpoint.subject, { queue: QUEUE_GROUP, callback }));
  }
  // Who is told that it serves may ask at once. A connection that breaks now takes the subscriptions along when it is back.
  await nc.flush().catch((error: unknown) => {
    if (nc.isClosed()) throw error;
  });

  const stop = async () => {
    if (!nc.isClosed()) await Promise.all(subscriptions.map((subscription) => subscription.drain().catch(() => {})));
    await Promise.all(underWay);
  };
  return { id, stats, stop, [Symbol.asyncDispose]: stop };
}

async function serve(endpoint: MicroEndpoint, stats: EndpointStats, msg: Msg): Promise<void> {
  const start = process.hrtime.bigint();
  let body: Payload = "";
  const made = headers();
  try {
    const answer = await endpoint.handler({ subject: msg.subject, data: msg.data, headers: msg.headers });
    body = answer instanceof Uint8Array ? answer : encodeMessage(answer);
  } catch (thrown) {
    const error = toErrorInfo(serverAway(thrown) ?? thrown, "InternalError");
    stats.num_errors++;
    stats.last_error = `${httpCodeOf(error.code)}:${error.message}`;
    // The code of a service error is a number; what RayFlow's own clients match on is in the body.
    made.set(ERROR_CODE, String(httpCodeOf(error.code)));
    made.set(ERROR, headerText(`${error.code}: ${error.message}`));
    body = encodeMessage({ error });
  }
  stats.num_requests++;
  stats.processing_time += Number(process.hrtime.bigint() - start);
  stats.average_processing_time = Math.round(stats.processing_time / stats.num_requests);
  try {
    msg.respond(body, { headers: made });
  } catch {
    // The connection is closed or the answer too large for it: nobody is left to tell.
  }
}

const CALLER_ERRORS: Record<string, number> = {
  ValidationError: 400,
  InvalidFlow: 400,
  MalformedMessage: 400,
  UsageError: 400,
  RunNotFound: 404,
  FlowNotFound: 404,
  VariableNotFound: 404,
  RunTimeout: 408,
  StoreConflict: 409,
  RunEnded: 409,
  NothingToRetry: 409,
  RevisionConflict: 412,
  PayloadTooLarge: 413,
  GatewayBusy: 503,
  ConnectionFailed: 503,
};

function httpCodeOf(code: string): number {
  return CALLER_ERRORS[code] ?? 500;
}

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 500);
}
