/** `rayflow debug`: holds a run where you like, looks at it, and lets it go on step by step. */
import type { Command } from "commander";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { portOption } from "../gateway-options.ts";
import { resultLine } from "../run-progress.ts";
import { type RunsAt, withRuns } from "../runs-connection.ts";
import { stopSignal } from "../signals.ts";

interface DebugFlags {
  readonly full?: boolean;
  readonly inspect?: boolean;
  readonly inspectPort?: number;
}

export function register(program: Command): void {
  program
    .command("debug")
    .description("step through a run: where it is held, with which inputs; breakpoints, variables")
    .argument("<run>", "a run's id, or its first letters (at least 6)")
    .option("--full", "values whole, however long")
    .option("--inspect", "follow it through XState's machine: inspection events as JSON lines, for Stately's inspector")
    .option("--inspect-port <n>", "the same, shown in Stately's inspector at a port of this machine", portOption)
    .addHelpText(
      "after",
      "\nReads commands line by line, also from a pipe; ? lists them. Leaving (q) changes nothing: the run stays as it is." +
        "\nStart one that is held from the beginning: rayflow run FLOW --break NODE",
    )
    .action(async (run: string, flags: DebugFlags, self: Command) => {
      const context = contextOf(self);
      await withRuns(context, async (open) => {
        using stop = stopSignal(context.environment);
        const id = await open.directory.resolve(run);
        if (flags.inspectPort !== undefined) await serve(context, open, id, flags.inspectPort, stop.signal);
        else if (flags.inspect === true) await inspect(context, open, id, stop.signal);
        else await debug(context, open, id, flags.full === true, stop.signal);
      });
    });
}

async function debug(
  { output }: CliContext,
  open: RunsAt,
  run: string,
  full: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { debugRun } = await import("../debug-session.ts");
  const json =
    output.format === "table" ? undefined : (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
  const end = await debugRun({ open, run, output, full, print: output.print, json, signal });
  if (end.kind === "left") {
    output.note(`left run ${run} as it is; back: rayflow debug ${run}`);
    return exitWith(end.interrupted ? EXIT.interrupted : EXIT.ok);
  }
  if (json) json({ kind: "ended", run_id: run, result: end.result });
  else output.print(resultLine(end.result, output.color));
  exitWith(end.result.success ? EXIT.ok : EXIT.failed);
}

/** A line each, whatever the format: they come until the run has ended. */
async function inspect(_: CliContext, open: RunsAt, run: string, signal: AbortSignal): Promise<void> {
  const { inspectRun } = await import("../../gateway/index.ts");
  for await (const event of inspectRun(open.nc, open.directory.log, run, signal)) {
    process.stdout.write(`${JSON.stringify(event)}\n`);
  }
  if (signal.aborted) exitWith(EXIT.interrupted);
}

async function serve(
  { output }: CliContext,
  open: RunsAt,
  run: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const [{ inspectRun }, { serveInspection }] = await Promise.all([
    import("../../gateway/index.ts"),
    import("../inspect-server.ts"),
  ]);
  await using server = await serveInspection(run, port);
  output.note(`run ${run} in Stately's inspector: ${server.url} (Ctrl-C ends it)`);
  if (output.format !== "table") output.json({ run_id: run, url: server.url });
  for await (const event of inspectRun(open.nc, open.directory.log, run, signal)) server.send(event);
  // The run has ended; who opens the page now sees all of it.
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
}
