/** The one place where an error becomes what the user reads, and an exit code. */
import { type ErrorInfo, helpFor, RayflowError, toErrorInfo } from "../flow/index.ts";
import { exitCodeFor } from "./exit-codes.ts";
import { type Output, styled } from "./output.ts";

const DEFECT = "InternalError";
const DEFECT_HELP = "This is a defect in RayFlow: run again with RAYFLOW_LOG_LEVEL=debug and report what it prints.";

/** An invalid flow's findings, as `validate --json` prints them. */
export interface FlowReport {
  readonly valid: boolean;
  readonly errors: readonly FlowIssue[];
  readonly warnings: readonly FlowIssue[];
}

export interface FlowIssue {
  readonly code: string;
  readonly message: string;
  readonly node_id?: string | undefined;
  readonly edge_id?: string | undefined;
  readonly path?: string | undefined;
}

/** Prints the error in the command's format and gives the exit code. */
export function reportFailure(thrown: unknown, output: Output, debug: boolean): number {
  const info = infoOf(thrown);
  const report = info.code === "InvalidFlow" ? flowReport(info.details) : undefined;
  if (output.format !== "table") {
    output.json(report ?? { ...runIdIn(info.details), success: false, error: info });
  } else {
    if (report !== undefined) printIssues(report, output.note, output.color);
    output.note(`${styled("error", "red", output.color)} ${info.code}: ${info.message}`);
    const help = info.code === DEFECT ? DEFECT_HELP : helpFor(info.code);
    // A usage error says itself what to change, an invalid flow has its findings.
    if (help !== undefined && report === undefined && info.code !== "UsageError") output.note(help);
  }
  if (debug && thrown instanceof Error && thrown.stack !== undefined) output.note(thrown.stack);
  return exitCodeFor(info.code);
}

function infoOf(thrown: unknown): ErrorInfo {
  if (thrown instanceof RayflowError) return thrown.toInfo();
  // What nobody foresaw is a failure of ours, not of a node's code.
  return { code: DEFECT, message: toErrorInfo(thrown).message, retryable: false };
}

/** One line per finding: its code, where, and what to change. */
export function printIssues(report: FlowReport, print: (line: string) => void, color: boolean): void {
  for (const issue of report.errors) print(issueLine("error", issue, color));
  for (const issue of report.warnings) print(issueLine("warning", issue, color));
}

function issueLine(level: "error" | "warning", issue: FlowIssue, color: boolean): string {
  const where = [
    issue.node_id === undefined ? [] : [`node ${issue.node_id}`],
    issue.edge_id === undefined ? [] : [`edge ${issue.edge_id}`],
    issue.path === undefined ? [] : [issue.path],
  ].flat();
  const mark = styled(level, level === "error" ? "red" : "yellow", color);
  return `${mark} ${issue.code}${where.length === 0 ? "" : ` (${where.join(", ")})`}: ${issue.message}`;
}

function flowReport(details: unknown): FlowReport | undefined {
  if (typeof details !== "object" || details === null || !("errors" in details)) return undefined;
  const { errors } = details;
  const warnings = "warnings" in details ? details.warnings : [];
  if (!Array.isArray(errors) || !Array.isArray(warnings)) return undefined;
  return { valid: false, errors, warnings };
}

function runIdIn(details: unknown): { run_id?: string } {
  if (typeof details !== "object" || details === null || !("run_id" in details)) return {};
  return typeof details.run_id === "string" ? { run_id: details.run_id } : {};
}
