/** How long a text may get that a node makes of others: the length is known before the text is made. */
import { RayflowError } from "../actors/sdk.ts";

export const MAX_TEXT_CHARS = 16 * 1024 * 1024;

/** @throws LimitExceeded */
export function checkTextLength(chars: number): void {
  if (chars <= MAX_TEXT_CHARS) return;
  const message = `the text would have ${chars} characters; ${MAX_TEXT_CHARS} at most`;
  throw new RayflowError("LimitExceeded", message, { retryable: false });
}
