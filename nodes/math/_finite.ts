import { RayflowError } from "../../actors/sdk.ts";

/**
 * The number, with -0 as 0, for JSON has no -0.
 * @throws NotFinite when it is infinite or no number at all.
 */
export function finite(value: number, what: string): number {
  if (Number.isFinite(value)) return value + 0;
  throw new RayflowError("NotFinite", `${what} is not a finite number`, { retryable: false });
}
