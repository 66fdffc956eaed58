/** What the services around the council show of a deliberation. */

import type { RunStanding } from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { type DeliberationResult, deliberationResult } from "./messages.ts";

export const DELIBERATION_STATUSES = ["running", "completed", "failed", "cancelled"] as const;
export type DeliberationStatus = (typeof DELIBERATION_STATUSES)[number];

/** Where one deliberation stands. */
export interface DeliberationOutcome {
  readonly deliberationId: string;
  readonly taskId: string;
  readonly status: DeliberationStatus;
  readonly result: DeliberationResult | undefined;
  readonly error: string | undefined;
  readonly submittedMs: number | undefined;
  readonly endedMs: number | undefined;
}

/** One line of a list. */
export interface DeliberationSummary {
  readonly deliberationId: string;
  readonly taskId: string;
  readonly taskDescription: string;
  readonly role: string;
  readonly status: DeliberationStatus;
  readonly agentIds: readonly string[];
  readonly submittedMs: number;
  readonly endedMs: number | undefined;
  readonly error: string | undefined;
  readonly planId: string | undefined;
  readonly storyId: string | undefined;
}

/** One node of a live deliberation that an actor is at, or will be. */
export interface DeliberationJob {
  readonly jobId: string;
  readonly node: string;
  readonly type: string;
  readonly state: "RUNNING" | "RETRYING" | "PENDING";
  readonly deliberationId: string;
  readonly taskId: string;
  readonly role: string;
  readonly agentId: string | undefined;
  readonly attempt: number;
  readonly startedMs: number | undefined;
}

export function statusOf(standing: RunStanding): DeliberationStatus {
  if (standing === "succeeded") return "completed";
  return standing === "failed" || standing === "cancelled" ? standing : "running";
}

/** The council's own result in that of its run; undefined when the run ended without one. */
export function resultIn(run: RunResult): DeliberationResult | undefined {
  const parsed = deliberationResult.safeParse(run.result);
  return parsed.success ? parsed.data : undefined;
}

/** The agent of a node in `rounds[0]/agents[2]`: the flow asks them in the order in which they were given. */
export function agentAt(scope: string, agents: readonly { readonly id: string }[]): string | undefined {
  const at = /(?:^|\/)agents\[(\d+)\]$/.exec(scope)?.[1];
  return at === undefined ? undefined : agents[Number(at)]?.id;
}
