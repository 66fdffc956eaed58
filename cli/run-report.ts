/** A described run as text for people: where it stands, its nodes, and of what failed all that helps. */
import type { FailureView, NodeView, RunDescription, WaitsFor } from "../gateway/index.ts";
import { styled, table } from "./output.ts";

const MAX_NODES_SHOWN = 200;
const MAX_WAITS_SHOWN = 10;
const MAX_SLOWEST_SHOWN = 5;
const MAX_VALUE_LENGTH = 2_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export async function reportLines(run: RunDescription, color: boolean): Promise<string[]> {
  const { error } = run.result ?? { error: null };
  const why = error ? `: ${error.code}: ${error.message}` : "";
  const { statistics } = run;
  const fields: [string, string][] = [
    ["run", run.run_id],
    ["flow", `${run.flow}${run.version === null ? "" : ` ${run.version}`}`],
    ["status", `${styled(run.status, "bold", color)}${why}`],
    ["submitted", run.submitted_at],
    ["ended", run.ended_at ?? "not yet"],
    [
      run.ended_at === null ? "so far" : "took",
      `${statistics.total_time.toFixed(3)} s; ${statistics.nodes_executed} nodes ran, ${statistics.nodes_failed} failed, ${statistics.nodes_skipped} skipped`,
    ],
    ...slowestNodes(statistics.node_times).map((slowest): [string, string] => ["slowest", slowest]),
    ["as of", `event #${run.at.event}, sequence ${run.at.seq}, ${run.at.time}`],
    ...(run.parent === null ? [] : [["started by", run.parent] as [string, string]]),
    ...(run.rerun_of === null ? [] : [["rerun of", run.rerun_of] as [string, string]]),
    ["inputs", shorten(run.inputs)],
    ...(run.result?.success ? [["result", shorten(run.result.result)] as [string, string]] : []),
    ...run.waits_for.slice(0, MAX_WAITS_SHOWN).map((wait): [string, string] => ["waits for", waitLine(wait)]),
  ];
  const more = run.waits_for.length - MAX_WAITS_SHOWN;
  if (more > 0) fields.push(["", `and for ${more} more`]);
  return [
    ...fields.map(([name, value]) => `${name.padEnd(10)} ${value}`),
    "",
    await nodeTable(run.nodes),
    ...run.failures.flatMap((failure) => ["", ...failureLines(failure, run, color)]),
  ];
}

/** The nodes that took longest, all their iterations and attempts together; none when nothing took any time. */
export function slowestNodes(times: Readonly<Record<string, number>>): string[] {
  const slowest = Object.entries(times)
    .filter(([, seconds]) => seconds >= 0.0005)
    .sort(([, one], [, other]) => other - one)
    .slice(0, MAX_SLOWEST_SHOWN);
  return slowest.length === 0 ? [] : [slowest.map(([node, seconds]) => `${node} ${seconds.toFixed(3)} s`).join(", ")];
}

async function nodeTable(nodes: readonly NodeView[]): Promise<string> {
  const rows = nodes
    .slice(0, MAX_NODES_SHOWN)
    .map(({ node, scope, type, state, attempt, seconds, reused, error }) => [
      scope === "" ? node : `${node} @ ${scope}`,
      type,
      reused ? `${state} (reused)` : state,
      attempt > 0 ? String(attempt) : "",
      seconds === null ? "" : seconds.toFixed(3),
      error === null ? "" : error.code,
    ]);
  const shown = await table(["NODE", "TYPE", "STATE", "ATTEMPT", "SECONDS", "ERROR"], rows);
  return nodes.length <= MAX_NODES_SHOWN ? shown : `${shown}\n… and ${nodes.length - MAX_NODES_SHOWN} more (--json)`;
}

function failureLines(failure: FailureView, run: RunDescription, color: boolean): string[] {
  const { node, scope, type, attempts, inputs, error, help, fatal } = failure;
  const where = scope === "" ? node : `${node} @ ${scope}`;
  const mark = fatal ? styled("✖", "red", color) : styled("!", "yellow", color);
  const handled = run.status === "cancelled" ? "the run was cancelled" : "the run went on";
  const held = run.ended_at === null ? "the run waits because of it" : "it ended the run";
  const ends = fatal ? held : handled;
  const lines = [`${mark} ${where} (${type}) failed; ${ends}`];
  for (const { attempt, at, error } of attempts) {
    lines.push(`  attempt ${attempt}  ${at}  ${error.code}: ${error.message}`);
  }
  if (error.node_id !== undefined && error.node_id !== node) lines.push(`  it began at ${error.node_id}`);
  if (error.details !== undefined) lines.push(`  details  ${shorten(error.details)}`);
  if (inputs !== null) lines.push(`  inputs   ${shorten(inputs)}`);
  const child = childOf(error.details);
  if (child !== undefined) lines.push(`  more     rayflow runs describe ${child}`);
  if (help !== null) lines.push(`  what to do: ${help}`);
  const id = run.run_id;
  if (fatal && run.ended_at === null)
    lines.push(`  then: rayflow runs retry ${id} --node ${node}, or rayflow runs cancel ${id}`);
  else if (fatal) lines.push(`  then: rayflow runs retry ${id}, a new run with the results before it`);
  return lines;
}

/** The child run whose failure this is. */
function childOf(details: unknown): string | undefined {
  if (typeof details !== "object" || details === null || !("run_id" in details)) return undefined;
  return typeof details.run_id === "string" ? details.run_id : undefined;
}

export function waitLine(wait: WaitsFor): string {
  if (wait.kind === "resume") return "somebody who resumes it";
  const at = wait.scope === "" ? wait.node : `${wait.node} @ ${wait.scope}`;
  switch (wait.kind) {
    case "actor":
      return `an actor that runs ${at} (${wait.type})`;
    case "timer":
      return `${at} until ${wait.until}`;
    case "retry":
      return `attempt ${wait.attempt} of ${at} at ${wait.until}`;
    case "signal":
      return `signal ${wait.signal} at ${at}${wait.until === null ? "" : ` until ${wait.until}`}`;
    case "child":
      return `child run ${wait.run_id} at ${at}`;
    case "held":
      return `somebody who steps or continues: held at ${at}`;
    case "incident":
      return `somebody who retries ${at} (${wait.error.code}) or cancels`;
  }
}

export function ago(time: string): string {
  const ms = Math.max(0, Date.now() - Date.parse(time));
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`;
  return time.slice(0, 16).replace("T", " ");
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)} … (${text.length} characters)`;
}
