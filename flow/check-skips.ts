/** MAY_BE_SKIPPED: required inputs whose source does not run on every path on which the consumer does. */
import type { CheckContext } from "./check-context.ts";

export function checkSkips(_context: CheckContext): void {}
