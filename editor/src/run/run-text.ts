/** How times, states and places of a run are written. */
import type { RunStanding } from "../api/answers.ts";
import type { ActivationFrame, NodeState } from "./frame.ts";

/** `0.4 ms`, `12 ms`, `1.23 s`, `2 m 05 s`, `3 h 20 m`. */
export function formatSeconds(seconds: number): string {
  const ms = seconds * 1000;
  if (ms < 0.05) return "0 ms";
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
}

export const stateNames: Readonly<Record<NodeState, string>> = {
  pending: "Not reached",
  ready: "Ready",
  running: "Running",
  waiting: "Waiting",
  held: "Held at a breakpoint",
  completed: "Completed",
  failed: "Failed",
  skipped: "Skipped",
  cancelled: "Cancelled",
};

export const statusNames: Readonly<Record<RunStanding, string>> = {
  running: "Running",
  waiting: "Waiting",
  paused: "Paused",
  draining: "Draining",
  cancelling: "Cancelling",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** What an activation waits for, in words; undefined when it does not wait. */
export function waitText({ waitsFor }: Pick<ActivationFrame, "waitsFor">): string | undefined {
  switch (waitsFor) {
    case "inputs":
      return "for its inputs";
    case "retry":
      return "for the next attempt";
    case "event":
      return "for a timer or a signal";
    case "operator":
      return "for somebody to retry it";
    default:
      return undefined;
  }
}

/** `each[3]/inner[0]` as `each #4 › inner #1`; the root is `Run`. */
export function scopeText(scope: string): string {
  if (scope === "") return "Run";
  return scope
    .split("/")
    .map((step) => step.replace(/\[(\d+)\]$/, (_, index: string) => ` #${Number(index) + 1}`))
    .join(" › ");
}

/** Since when, for a list: `now`, `12 s ago`, `3 m ago`, else the date. */
export function agoText(iso: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  if (seconds < 3) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(iso).toLocaleString();
}
