/** Tells when a request failed because the server, or its JetStream, is away or does not keep up: nothing is wrong with it. */
import { JetStreamApiError } from "@nats-io/jetstream";
import {
  ClosedConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";

const KINDS = [TimeoutError, NoRespondersError, ClosedConnectionError, DrainingConnectionError];

/** The same as an error of ours that may be tried again; undefined when it is something else. */
export function serverAway(error: unknown): RayflowError | undefined {
  if (!isAway(error)) return undefined;
  return new RayflowError("ConnectionFailed", "the NATS server did not answer in time", { cause: error });
}

function isAway(error: unknown): boolean {
  if (error instanceof RequestError) return isAway(error.cause);
  if (error instanceof JetStreamApiError) return error.status === 503;
  if (error instanceof Error && error.name === "JetStreamNotEnabled") return true;
  return KINDS.some((kind) => error instanceof kind);
}
