/** What permissions are, and the parts that roles are put together from. */
import { BUCKETS, bucketStream, objectStream } from "./names.ts";
import { subjects } from "./subjects.ts";

export interface SubjectRules {
  readonly allow: readonly string[];
  readonly deny?: readonly string[];
}

/** As a server's configuration and a user's JWT have them. */
export interface Permissions {
  readonly publish: SubjectRules;
  readonly subscribe: SubjectRules;
  /** Answers to requests, to whatever subject the request named. */
  readonly allowResponses?: { readonly max: number; readonly expiresMs: number };
}

/** The bucket of the keys that sign executions. */
export const KEYS_BUCKET = BUCKETS.keys;
export const ALL_BUCKETS: readonly string[] = Object.values(BUCKETS);
/** The longest a service request may take to be answered. */
export const RESPONSE_EXPIRES_MS = 10 * 60_000;

export function permissions(
  publish: readonly string[],
  subscribe: readonly string[],
  allowResponses?: Permissions["allowResponses"],
): Permissions {
  return {
    publish: { allow: publish },
    subscribe: { allow: subscribe },
    ...(allowResponses === undefined ? {} : { allowResponses }),
  };
}

export function api(...path: string[]): string {
  return `$JS.API.${path.join(".")}`;
}

/** All ways to read a stream, ordered consumers of one's own among them. */
export function reading(stream: string): string[] {
  return [
    api("STREAM.INFO", stream),
    api("STREAM.MSG.GET", stream),
    api("DIRECT.GET", stream),
    api("DIRECT.GET", stream, ">"),
    api("CONSUMER.CREATE", stream),
    api("CONSUMER.CREATE", stream, ">"),
    api("CONSUMER.INFO", stream, "*"),
    api("CONSUMER.DELETE", stream, "*"),
    api("CONSUMER.MSG.NEXT", stream, "*"),
  ];
}

/** To ask the services how they are. */
export function serviceQuestions(): string[] {
  return ["status", "actors", "health"].map((name) => subjects.service(name));
}

/** The stream behind a bucket, whichever kind it is. */
export function streamOf(bucket: string): string {
  return bucket === BUCKETS.blobs ? objectStream(bucket) : bucketStream(bucket);
}

export function keysOf(bucket: string): string {
  return `$KV.${bucket}.>`;
}
