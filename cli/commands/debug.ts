/** `rayflow debug`: holds a run where you like, looks at it, and lets it go on step by step. */
import type { Command } from "commander";
import { contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { resultLine } from "../run-progress.ts";
import { withRuns } from "../runs-connection.ts";
import { stopSignal } from "../signals.ts";

export function register(program: Command): void {
  program
    .command("debug")
    .description("step through a run: where it is held, with which inputs; breakpoints, variables")
    .argument("<run>", "a run's id, or its first letters (at least 6)")
    .addHelpText(
      "after",
      "\nReads commands line by line, also from a pipe; ? lists them. Leaving (q) changes nothing: the run stays as it is." +
        "\nStart one that is held from the beginning: rayflow run FLOW --break NODE",
    )
    .action(async (run: string, _: unknown, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const { debugRun } = await import("../debug-session.ts");
      await withRuns(context, async (open) => {
        using stop = stopSignal(context.environment);
        const id = await open.directory.resolve(run);
        const json =
          output.format === "table"
            ? undefined
            : (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
        const end = await debugRun({ open, run: id, output, print: output.print, json, signal: stop.signal });
        if (end.kind === "left") {
          output.note(`left run ${id} as it is; back: rayflow debug ${id}`);
          return exitWith(end.interrupted ? EXIT.interrupted : EXIT.ok);
        }
        if (json) json({ kind: "ended", run_id: id, result: end.result });
        else output.print(resultLine(end.result, output.color));
        exitWith(end.result.success ? EXIT.ok : EXIT.failed);
      });
    });
}
