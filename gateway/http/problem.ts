/** Errors as the gateway answers them: `application/problem+json` (RFC 9457) with the codes of docs/errors.md. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { type ErrorInfo, helpFor, RayflowError } from "../../flow/index.ts";

export const problem = z.object({
  /** `urn:rayflow:error:<code>`. */
  type: z.string(),
  /** The status in words. */
  title: z.string(),
  status: z.number().int(),
  /** What happened this time. */
  detail: z.string(),
  /** Stable: what programs match on. */
  code: z.string(),
  /** What to do about an error of this code. */
  help: z.string().optional(),
  /** Findings: the validator's, or what is wrong with the request, each with its `path`. */
  errors: z.array(z.record(z.string(), z.unknown())).optional(),
  warnings: z.array(z.record(z.string(), z.unknown())).optional(),
  run_id: z.string().optional(),
  details: z.unknown().optional(),
});
export type Problem = z.infer<typeof problem>;

const STATUS: Readonly<Record<string, ContentfulStatusCode>> = {
  ValidationError: 400,
  UsageError: 400,
  InvalidBreakpoint: 400,
  MalformedMessage: 400,
  Unauthorized: 401,
  OriginRefused: 403,
  RouteNotFound: 404,
  FlowNotFound: 404,
  RunNotFound: 404,
  VariableNotFound: 404,
  DataNotAvailable: 404,
  MethodNotAllowed: 405,
  RunEnded: 409,
  NothingToRetry: 409,
  StoreConflict: 409,
  RevisionConflict: 412,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  InvalidFlow: 422,
  IdempotencyKeyReused: 422,
  ConnectionFailed: 503,
  GatewayBusy: 503,
  RunTimeout: 504,
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** How long a client should leave a server alone that is away or busy, seconds. */
const RETRY_AFTER_S = 2;

export function statusOf(code: string): ContentfulStatusCode {
  return Object.hasOwn(STATUS, code) ? (STATUS[code] ?? 500) : 500;
}

export function problemOf(error: ErrorInfo): Problem {
  const status = statusOf(error.code);
  const help = helpFor(error.code);
  return {
    type: `urn:rayflow:error:${error.code}`,
    title: TITLES[status] ?? "Error",
    status,
    detail: error.message,
    code: error.code,
    ...(help === undefined ? {} : { help }),
    ...membersOf(error.details),
  };
}

/** The answer to a request that failed with this error. */
export function problemResponse(error: ErrorInfo, headers: Readonly<Record<string, string>> = {}): Response {
  const body = problemOf(error);
  const made = new Headers({ "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers });
  if (body.status === 401) made.set("WWW-Authenticate", 'Bearer realm="rayflow"');
  if (body.status === 503) made.set("Retry-After", String(RETRY_AFTER_S));
  return new Response(JSON.stringify(body), { status: body.status, headers: made });
}

/** A failure that nobody foresaw: what it was stands in the log, not in the answer. */
export function internalError(): RayflowError {
  return new RayflowError("InternalError", "the gateway failed on this request; its log says why");
}

/** What of an error's details has a member of its own. */
function membersOf(details: unknown): Partial<Problem> {
  if (typeof details !== "object" || details === null || Array.isArray(details)) {
    return details === undefined ? {} : { details };
  }
  const { errors, warnings, run_id, ...rest } = details as Record<string, unknown>;
  return {
    ...(Array.isArray(errors) ? { errors } : {}),
    ...(Array.isArray(warnings) ? { warnings } : {}),
    ...(typeof run_id === "string" ? { run_id } : {}),
    ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
  };
}
