/** Which nats-server is new enough. */

/** Message schedules and per-message TTL came with this one. */
export const MIN_SERVER_VERSION = "2.12.0";
/** What production should run: the schedule and consumer fixes up to here. */
export const RECOMMENDED_SERVER_VERSION = "2.14.5";

/** The first `x.y.z` in a text such as `nats-server: v2.14.0`. */
export function parseVersion(text: string): string | undefined {
  return /(\d+)\.(\d+)\.(\d+)/.exec(text)?.[0];
}

/** Whether `version` is `least` or later; text after `x.y.z` does not count. */
export function versionAtLeast(version: string, least: string): boolean {
  const have = numbers(version);
  const want = numbers(least);
  for (let at = 0; at < 3; at++) {
    const difference = (have[at] ?? 0) - (want[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbers(version: string): number[] {
  return (parseVersion(version) ?? "0.0.0").split(".").map(Number);
}
