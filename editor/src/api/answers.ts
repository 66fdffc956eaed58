/** What the gateway answers, as the editor reads it. The engine's own shapes are imported as types alone. */
import type { ErrorInfo, NodeType } from "../../../flow/index.ts";
import type { RunOptions, RunResult } from "../../../nats/messages.ts";
import type { LogEntry } from "../../../orchestrator/run/index.ts";
import type { Issue } from "./request.ts";

export type { ErrorInfo, LogEntry, NodeType, RunOptions, RunResult };

export interface FlowSummary {
  readonly name: string;
  readonly status: "draft" | "deployed" | "changed";
  readonly version?: string;
  readonly revision?: number | string;
  readonly saved_at?: string;
  readonly deployed_at?: string;
  /** How many it has. */
  readonly nodes: number;
}

export interface StoredFlow {
  readonly name: string;
  readonly flow: unknown;
  readonly revision?: number | string;
  readonly version?: string;
}

export interface FlowVersion {
  readonly version: string;
  readonly deployed_at: string;
  readonly current: boolean;
}

export interface Validation {
  readonly valid: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

export type RunStanding =
  | "running"
  | "waiting"
  | "paused"
  | "draining"
  | "cancelling"
  | "succeeded"
  | "failed"
  | "cancelled";

interface Place {
  readonly node: string;
  readonly scope: string;
}

/** What a run cannot go on without. */
export type WaitsFor =
  | (Place & { readonly kind: "actor"; readonly type: string; readonly attempt: number })
  | (Place & { readonly kind: "timer"; readonly until: string })
  | (Place & { readonly kind: "retry"; readonly until: string; readonly attempt: number })
  | (Place & { readonly kind: "signal"; readonly signal: string; readonly until: string | null })
  | (Place & { readonly kind: "child"; readonly run_id: string })
  | (Place & { readonly kind: "incident"; readonly error: ErrorInfo })
  | { readonly kind: "resume" };

export interface RunSummary {
  readonly run_id: string;
  readonly flow: string;
  readonly version: string | null;
  readonly status: RunStanding;
  readonly submitted_at: string;
  readonly ended_at: string | null;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly waits_for: readonly WaitsFor[];
}

/** The part of a run's description that the editor does not fold itself. */
export interface RunDescription extends RunSummary {
  readonly at: { readonly event: number; readonly seq: number; readonly time: string };
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly parent: string | null;
  readonly rerun_of: string | null;
  readonly result: RunResult | null;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Give it back for the next page; null: there is none. */
  readonly cursor: string | null;
}

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Sequence to go on after; null: no more now. */
  readonly next: number | null;
  /** Whether the last entry of the run is among these, or was before. */
  readonly ended: boolean;
}

export interface RunQuery {
  readonly status?: RunStanding | undefined;
  readonly flow?: string | undefined;
  /** ISO 8601. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number;
  readonly cursor?: string | undefined;
}

export type RunAction = "cancel" | "terminate" | "pause" | "resume";

export interface ExecuteRequest {
  readonly flow?: unknown;
  readonly flowRef?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly options?: RunOptions & { readonly breakpoints?: readonly string[] };
}

export interface RerunRequest {
  /** The node to begin with. Default: with what failed or never ran. */
  readonly from?: string;
  /** In the place of the inputs which that node got. */
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface Variable {
  readonly name: string;
  readonly value: unknown;
  readonly revision: number;
}

export interface ServerConfig {
  readonly version: string;
  /** Whether requests need a token. */
  readonly auth: boolean;
  /** With `{trace_id}` in it. */
  readonly jaeger_url: string | null;
}
