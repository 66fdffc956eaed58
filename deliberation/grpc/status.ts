/** What a client of gRPC is told of a failure: the code that fits, and the details in the form that all clients read. */
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { RayflowError } from "../../flow/index.ts";
import { BadRequestSchema, ErrorInfoSchema, StatusSchema } from "../generated/google/rpc/status_pb.ts";

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

const CODES: Readonly<Record<string, status>> = {
  ValidationError: status.INVALID_ARGUMENT,
  UsageError: status.INVALID_ARGUMENT,
  MalformedMessage: status.INVALID_ARGUMENT,
  RunNotFound: status.NOT_FOUND,
  IdempotencyKeyReused: status.ALREADY_EXISTS,
  RunEnded: status.FAILED_PRECONDITION,
  // The flow is ours: what it lacks is an actor.
  InvalidFlow: status.UNAVAILABLE,
  TopologyConflict: status.FAILED_PRECONDITION,
  PayloadTooLarge: status.RESOURCE_EXHAUSTED,
  GatewayBusy: status.RESOURCE_EXHAUSTED,
  RunTimeout: status.DEADLINE_EXCEEDED,
  ConnectionFailed: status.UNAVAILABLE,
  StoreConflict: status.ABORTED,
};
/** How the NATS client says that nobody is there: the connection is gone, or nobody answered in time. */
const AWAY = new Set([
  "TimeoutError",
  "RequestError",
  "NoRespondersError",
  "ClosedConnectionError",
  "DrainingConnectionError",
  "ConnectionError",
  "JetStreamNotEnabled",
]);
/** A cluster that has no leader at the moment, or none with room. */
const AWAY_API_CODES = new Set([10008, 10009, 10023, 10039]);
const DOMAIN = "rayflow";

/** @throws ValidationError that names each field */
export function refuseFields(violations: readonly FieldViolation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  throw new RayflowError("ValidationError", `${first.field}: ${first.description}${more}`, { details: { violations } });
}

/** A failure as grpc-js sends it. What nobody foresaw is INTERNAL, without what it says of the inside. */
export function statusOfError(error: unknown): Partial<StatusObject> & Pick<ServiceError, "message" | "name"> {
  const { code, message, reason } = described(error);
  const details = [
    anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata: idsIn(error) })),
  ];
  const violations = violationsIn(error);
  if (violations.length > 0) {
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations: [...violations] })));
  }
  const metadata = new Metadata();
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  return { name: reason, message, code, details: message, metadata };
}

function described(error: unknown): { code: status; message: string; reason: string } {
  if (error instanceof RayflowError) {
    return { code: CODES[error.code] ?? status.INTERNAL, message: error.message, reason: error.code };
  }
  if (error instanceof Error) {
    const api = "code" in error && typeof error.code === "number" ? error.code : 0;
    if (AWAY.has(error.name) || AWAY_API_CODES.has(api)) {
      return { code: status.UNAVAILABLE, message: "NATS does not answer at the moment", reason: "ConnectionFailed" };
    }
  }
  return { code: status.INTERNAL, message: "something failed that should not: see the log", reason: "InternalError" };
}

function violationsIn(error: unknown): FieldViolation[] {
  if (!(error instanceof RayflowError) || typeof error.details !== "object" || error.details === null) return [];
  const { violations, issues } = error.details as { violations?: unknown; issues?: unknown };
  if (Array.isArray(violations)) return violations as FieldViolation[];
  if (!Array.isArray(issues)) return [];
  return issues.map(({ path, message }: { path: string; message: string }) => ({ field: path, description: message }));
}

function idsIn(error: unknown): Record<string, string> {
  if (!(error instanceof RayflowError) || typeof error.details !== "object" || error.details === null) return {};
  return Object.fromEntries(
    Object.entries(error.details).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
