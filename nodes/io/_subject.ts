import { isPublishable, RayflowError } from "../../actors/sdk.ts";

/** @throws SubjectNotAllowed when it has wildcards, or is RayFlow's own or the server's. */
export function checkSubject(subject: string): void {
  if (isPublishable(subject)) return;
  const message = `not a subject that a flow may publish to (no wildcards, not rayflow.>, not $…): ${subject}`;
  throw new RayflowError("SubjectNotAllowed", message, { retryable: false });
}
