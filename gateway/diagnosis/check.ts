/** What is found out about a server, a line at a time. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { PermissionViolationError } from "@nats-io/transport-node";
import { toErrorInfo } from "../../flow/index.ts";

export type Level = "ok" | "warn" | "fail";

export interface Check {
  readonly name: string;
  readonly level: Level;
  readonly message: string;
  readonly advice?: string;
}

/** Runs checks; what goes wrong with them is a check that fails. */
export async function guarded(name: string, run: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await run();
  } catch (error) {
    const { code, message } = toErrorInfo(error);
    if (isDenied(error)) {
      const advice = "give this user the rights of an observer: rayflow nats auth render observer";
      return [{ name, level: "fail", message: `this user may not look: ${message}`, advice }];
    }
    const how = error instanceof JetStreamApiError ? message : `${code}: ${message}`;
    return [{ name, level: "fail", message: how }];
  }
}

/** Whether the server said that this user may not do it. */
export function isDenied(error: unknown): boolean {
  if (error instanceof PermissionViolationError) return true;
  return error instanceof Error && error.cause instanceof PermissionViolationError;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** `4 s`, `12 min`, `3 h`, `2 days`. */
export function spanText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

export function percent(part: number, whole: number): string {
  return `${Math.round((part / whole) * 100)} %`;
}
