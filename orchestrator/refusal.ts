/** Why a submission is not run. */
import type { ErrorInfo } from "../flow/index.ts";

export interface Refusal {
  readonly error: ErrorInfo;
  readonly errors?: readonly unknown[];
  readonly warnings?: readonly unknown[];
}

export function refusal(code: string, message: string): Refusal {
  return { error: { code, message, retryable: false } };
}
