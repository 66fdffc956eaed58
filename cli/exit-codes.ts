/** What the exit code of `rayflow` says. */
export const EXIT = {
  ok: 0,
  /** The run failed; also any failure that has no code of its own. */
  failed: 1,
  /** The arguments are off, or the flow is invalid. */
  usage: 2,
  /** No server that RayFlow could use. */
  connect: 3,
  timeout: 4,
  interrupted: 130,
} as const;

const BY_CODE: ReadonlyMap<string, number> = new Map([
  ["UsageError", EXIT.usage],
  ["InvalidFlow", EXIT.usage],
  ["FlowNotFound", EXIT.usage],
  ["ConnectionFailed", EXIT.connect],
  ["ServerMissing", EXIT.connect],
  ["ServerTooOld", EXIT.connect],
  ["JetStreamDisabled", EXIT.connect],
  ["RunTimeout", EXIT.timeout],
  ["Interrupted", EXIT.interrupted],
]);

export function exitCodeFor(errorCode: string): number {
  return BY_CODE.get(errorCode) ?? EXIT.failed;
}
