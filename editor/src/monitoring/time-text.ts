/** Times as people read them. */

export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour12: false });
}

/** `850 ms`, `4.2 s`, `3 min`, `2 h`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h`;
}

export function ago(iso: string, now: string): string {
  return `${span(Math.max(0, Date.parse(now) - Date.parse(iso)))} ago`;
}
