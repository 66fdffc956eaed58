/** `rayflow top`: what runs, how fast, who does it, what lags; live in a terminal, once for scripts. */
import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import { RayflowError } from "../../flow/index.ts";
import type { Overview, OverviewReader } from "../../gateway/index.ts";
import { connectIfRunning } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { stopSignal } from "../signals.ts";
import { secondsOption, wholeNumber } from "../stack-options.ts";
import { RUN_SORTS, type RunSort, TYPE_SORTS, type TypeSort } from "../top-view.ts";

interface TopFlags {
  readonly once?: boolean;
  readonly interval: number;
  readonly runs: number;
  readonly sort: RunSort;
  readonly sortTypes: TypeSort;
}

const DEFAULT_INTERVAL_MS = 2_000;
/** How long rates are measured for who asks once. */
const ONCE_MS = 1_000;
const DEFAULT_RUNS = 50;
const WIDTH_OF_NO_TERMINAL = 120;

export function register(program: Command): void {
  program
    .command("top")
    .description("watch runs, rates, actors, partitions and streams; live, or once for scripts")
    .option("--once", "print it once; also when standard output is no terminal, and with -o json")
    .option("--interval <seconds>", "how often to look (default 2)", secondsOption("--interval"), DEFAULT_INTERVAL_MS)
    .option(
      "--runs <n>",
      "how many runs to look at, the oldest first (default 50)",
      wholeNumber("--runs", 0, 1_000),
      DEFAULT_RUNS,
    )
    .addOption(new Option("--sort <key>", "order of the runs").choices([...RUN_SORTS]).default("age"))
    .addOption(new Option("--sort-types <key>", "order of the node types").choices([...TYPE_SORTS]).default("load"))
    .addHelpText(
      "after",
      "\nKeys: q or Ctrl-C quits, r and t change the order of runs and of types, space holds, + and - look more or less often." +
        "\n-o jsonl without --once prints a line for each look, until Ctrl-C.",
    )
    .action(async (flags: TopFlags, self: Command) => {
      const context = contextOf(self);
      const running = await connectIfRunning(context.flags, context.environment, "rayflow top");
      if (running === undefined) {
        throw new RayflowError("ConnectionFailed", "no server was named and none with RayFlow runs on this machine");
      }
      try {
        const { OverviewReader } = await import("../../gateway/index.ts");
        const reader = await OverviewReader.open(running.nc, { runs: flags.runs });
        await show(context, reader, flags);
      } finally {
        await running.nc.close();
      }
    });
}

async function show(context: CliContext, reader: OverviewReader, flags: TopFlags): Promise<void> {
  const { output, environment } = context;
  const { format } = output;
  using stop = stopSignal(environment);
  const isLive = flags.once !== true && process.stdout.isTTY === true && process.stdin.isTTY === true;
  const sorts = { runSort: flags.sort, typeSort: flags.sortTypes };
  if (format === "table" && isLive) {
    const { watchTop } = await import("../top-session.ts");
    const options = { reader, intervalMs: flags.interval, color: output.color, signal: stop.signal, ...sorts };
    const { interrupted } = await watchTop(options);
    return exitWith(interrupted || stop.signal.aborted ? EXIT.interrupted : EXIT.ok);
  }
  const repeats = format === "jsonl" && flags.once !== true;
  // The first reading has no rates.
  await reader.read();
  for (;;) {
    const pauseMs = repeats ? flags.interval : Math.min(ONCE_MS, flags.interval);
    await delay(pauseMs, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) return exitWith(EXIT.interrupted);
    const overview = await reader.read();
    if (format === "table") await print(context, overview, sorts);
    else output.json(overview);
    if (!repeats) return;
  }
}

async function print(
  { output }: CliContext,
  overview: Overview,
  sorts: { readonly runSort: RunSort; readonly typeSort: TypeSort },
): Promise<void> {
  const { topLines } = await import("../top-view.ts");
  const width = process.stdout.columns ?? WIDTH_OF_NO_TERMINAL;
  for (const line of topLines(overview, { width, color: output.color, ...sorts })) output.print(line.trimEnd());
}
