/** How long to wait before a request is made again. */

const FIRST_MS = 250;
const LONGEST_MS = 20_000;

/** The wait that a server asks for in `Retry-After`, ms: seconds or a date; undefined when it asks for none. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Doubles with every attempt; spread over its upper half, so that those who failed together do not come back together. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return most / 2 + (random() * most) / 2;
}

/** Whether a request that was answered so may be made again. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}
