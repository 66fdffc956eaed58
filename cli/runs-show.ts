/** What the `runs` commands print that only look. */
import { RayflowError } from "../flow/index.ts";
import { type EventRef, type RunQuery, type RunStep, runStanding } from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { type CliContext, exitWith } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { styled, table } from "./output.ts";
import { resultLine, stepPrinter } from "./run-progress.ts";
import { ago, reportLines, waitLine } from "./run-report.ts";
import type { RunsAt } from "./runs-connection.ts";
import { interrupted, stopSignal } from "./signals.ts";

export async function listRuns(
  { output }: CliContext,
  { directory }: RunsAt,
  flags: { readonly status?: string; readonly flow?: string; readonly since?: number; readonly limit?: number },
): Promise<void> {
  const { flow, since: sinceMs, limit } = flags;
  const status = flags.status === undefined ? undefined : runStanding.safeParse(flags.status).data;
  if (flags.status !== undefined && status === undefined) {
    throw new RayflowError("UsageError", `--status is one of ${runStanding.options.join(", ")}`);
  }
  const query = Object.entries({ status, flow, sinceMs, limit }).filter(([, value]) => value !== undefined);
  const runs = await directory.list(Object.fromEntries(query) as RunQuery);
  if (output.format === "json") return output.json(runs);
  if (output.format === "jsonl") {
    for (const run of runs) output.json(run);
    return;
  }
  if (runs.length === 0) return output.note("no runs");
  const rows = runs.map((run) => [
    run.run_id,
    run.flow,
    run.status,
    ago(run.submitted_at),
    run.ended_at === null ? "" : ago(run.ended_at),
    run.error ?? run.waits_for.map(waitLine).join("; "),
  ]);
  output.print(await table(["RUN", "FLOW", "STATUS", "SUBMITTED", "ENDED", "ERROR / WAITS FOR"], rows));
}

export async function describeRun(
  { output }: CliContext,
  { directory }: RunsAt,
  run: string,
  until: EventRef | undefined,
): Promise<void> {
  const described = await directory.describe(await directory.resolve(run), until);
  if (output.format !== "table") return output.json(described);
  for (const line of await reportLines(described, output.color)) output.print(line);
}

export async function showHistory(
  { output }: CliContext,
  { directory }: RunsAt,
  run: string,
  values: boolean,
): Promise<void> {
  const steps: RunStep[] = [];
  for await (const step of directory.events(await directory.resolve(run), { values })) {
    // One JSON value has to be whole; lines are written as they come, however many there are.
    if (output.format === "json") steps.push(step);
    else if (output.format === "jsonl") output.json(step);
    else output.print(stepLine(step));
  }
  if (output.format === "json") output.json(steps);
}

function stepLine({ event, seq, time, kind, summary }: RunStep): string {
  return `${`#${event}`.padEnd(6)} ${String(seq).padEnd(8)} ${time}  ${kind.padEnd(13)} ${summary}`;
}

export async function watchRun(
  { output, environment }: CliContext,
  { directory }: RunsAt,
  run: string,
  { debug: values = false, full = false }: { readonly debug?: boolean; readonly full?: boolean },
): Promise<void> {
  using stop = stopSignal(environment);
  const id = await directory.resolve(run);
  const print = stepPrinter(output, { values, full, clock: values, print: output.print });
  if (output.format === "table") output.print(styled(`run ${id}`, "dim", output.color));
  for await (const news of directory.watch(id, { signal: stop.signal, values })) {
    // A line each, also with --json: whoever watches does not wait for the end.
    if (output.format !== "table") process.stdout.write(`${JSON.stringify(news)}\n`);
    if (news.kind === "ended") {
      if (output.format === "table") output.print(resultLine(news.result, output.color));
      return exitLike(news.result);
    }
    if (output.format === "table") print(news);
  }
  // It ends without an end only when the user does not want to watch any longer.
  throw interrupted();
}

export async function showResult(
  { output, environment }: CliContext,
  { directory }: RunsAt,
  run: string,
  timeoutMs: number,
): Promise<void> {
  const id = await directory.resolve(run);
  const result = (await directory.result(id)) ?? (await waitForEnd());
  output.json(result);
  exitLike(result);

  async function waitForEnd(): Promise<RunResult> {
    using stop = stopSignal(environment);
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]);
    if (timeoutMs > 0) {
      for await (const news of directory.watch(id, { signal })) {
        if (news.kind === "ended") return (await directory.result(id)) ?? news.result;
      }
    }
    if (stop.signal.aborted) throw interrupted();
    const details = { run_id: id };
    throw new RayflowError("RunTimeout", `run ${id} has not ended yet`, { details });
  }
}

function exitLike(result: RunResult): void {
  exitWith(result.success ? EXIT.ok : EXIT.failed);
}
