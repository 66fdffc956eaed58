/** `If-Match` and `If-None-Match` as revisions of what is stored. */
import type { Context } from "hono";
import { RayflowError } from "../../flow/index.ts";

const REVISION = /^(?:W\/)?"?(\d{1,15})"?$/;

/** The headers, for the description of an operation. */
export const conditionHeaders = {
  "If-Match": "The revision that is to be changed, as ETag gave it; 0 for none",
  "If-None-Match": "*: only if there is none",
};

/**
 * The revision that the caller wants to change; 0: it must not be there; undefined: whatever it is.
 * @throws ValidationError
 */
export function expectedRevision(c: Context): number | undefined {
  const match = c.req.header("if-match")?.trim();
  if (mustBeNew(c)) return 0;
  if (match === undefined || match === "*") return undefined;
  const revision = REVISION.exec(match)?.[1];
  if (revision === undefined) {
    throw new RayflowError("ValidationError", `If-Match is one revision, as ETag gave it, not ${match.slice(0, 50)}`);
  }
  return Number(revision);
}

/** Whether the caller wants to make something that is not there in any form yet. */
export function mustBeNew(c: Context): boolean {
  return c.req.header("if-none-match")?.trim() === "*";
}

export function etag(revision: number): string {
  return `"${revision}"`;
}
