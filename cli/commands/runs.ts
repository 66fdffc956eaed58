/** `rayflow runs …`: looks at runs, live and finished, and changes those that are live. */
import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import { type CliContext, contextOf } from "../context.ts";
import { parseJson, readInputs } from "../read-json.ts";
import type { RunsAt } from "../runs-connection.ts";
import { secondsOption, wholeNumber } from "../stack-options.ts";

const MAX_LIST = 10_000;
const DEFAULT_LIST = 20;
const RUN = "a run's id, or its first letters (at least 6)";

export function register(program: Command): void {
  const runs = program
    .command("runs")
    .description("look at runs, live and finished; signal, pause, step, cancel, retry them");
  addLooking(runs);
  addControl(runs);
}

function addLooking(runs: Command): void {
  runs
    .command("list")
    .description("list runs: live ones first, then those that ended last")
    .option("--status <status>", "running, waiting, paused, draining, cancelling, succeeded, failed or cancelled")
    .option("--flow <name>", "only runs of this flow")
    .option("--since <time>", "leave out what ended before: 2026-01-31T12:00Z, or 90s, 15m, 2h, 7d ago", parseSince)
    .option("--limit <count>", `at most so many (default ${DEFAULT_LIST})`, wholeNumber("--limit", 1, MAX_LIST))
    .action(async (flags: { status?: string; flow?: string; since?: number; limit?: number }, self: Command) => {
      const { listRuns } = await import("../runs-show.ts");
      await at(self, (context, open) => listRuns(context, open, flags));
    });
  runs
    .command("describe")
    .description("where a run stands: its nodes, what it waits for, why it failed")
    .argument("<run>", RUN)
    .option(
      "--at <event>",
      "as it stood after an event: a sequence of the log, or '#7' for the run's 7th event",
      parseEvent,
    )
    .action(async (run: string, flags: { at?: { seq: number } | { event: number } }, self: Command) => {
      const { describeRun } = await import("../runs-show.ts");
      await at(self, (context, open) => describeRun(context, open, run, flags.at));
    });
  runs
    .command("history")
    .description("the events of a run, oldest first")
    .argument("<run>", RUN)
    .option("--values", "with the inputs and outputs of the nodes (json, jsonl)")
    .action(async (run: string, flags: { values?: boolean }, self: Command) => {
      const { showHistory } = await import("../runs-show.ts");
      await at(self, (context, open) => showHistory(context, open, run, flags.values === true));
    });
  runs
    .command("watch")
    .description("follow a run from its beginning to its end; exits like `rayflow run`")
    .argument("<run>", RUN)
    .option("--debug", "with the inputs and outputs of the nodes, pure ones too, and when each came")
    .option("--full", "with --debug: values whole, however long")
    .action(async (run: string, flags: { debug?: boolean; full?: boolean }, self: Command) => {
      const { watchRun } = await import("../runs-show.ts");
      await at(self, (context, open) => watchRun(context, open, run, flags));
    });
  runs
    .command("result")
    .description("the result of a run; exits like `rayflow run`")
    .argument("<run>", RUN)
    .option(
      "--timeout <seconds>",
      "how long to wait for one that goes on (default: not at all)",
      secondsOption("--timeout"),
    )
    .action(async (run: string, flags: { timeout?: number }, self: Command) => {
      const { showResult } = await import("../runs-show.ts");
      await at(self, (context, open) => showResult(context, open, run, flags.timeout ?? 0));
    });
}

function addControl(runs: Command): void {
  runs
    .command("signal")
    .description("hand a signal to a run; it is kept until a node waits for it")
    .argument("<run>", RUN)
    .argument("<name>", "the signal")
    .option("--payload <json>", "any JSON (default null)")
    .option("--id <id>", "the same one twice is one signal")
    .action(async (run: string, name: string, flags: { payload?: string; id?: string }, self: Command) => {
      const payload = flags.payload === undefined ? null : parseJson(flags.payload, "--payload");
      const signal = { name, payload, ...(flags.id === undefined ? {} : { id: flags.id }) };
      await control(self, run, (open, id) => open.control.signal(id, signal));
    });
  for (const [name, does] of [
    ["cancel", "stop a run: its running nodes are told to stop, then it ends"],
    ["terminate", "end a run at once, whatever its nodes are doing"],
  ] as const) {
    runs
      .command(name)
      .description(does)
      .argument("<run>", RUN)
      .option("--reason <text>", "goes into the run's error")
      .action(async (run: string, flags: { reason?: string }, self: Command) => {
        await control(self, run, (open, id) => open.control[name](id, flags.reason));
      });
  }
  for (const [name, does] of [
    ["pause", "start no node of a run until it is resumed; what runs goes on"],
    ["resume", "go on with a paused run, or one that is held"],
    ["step", "send what a run is held at; hold whatever becomes ready next"],
    ["continue", "send what a run is held at; go on to the next breakpoint"],
  ] as const) {
    runs
      .command(name)
      .description(does)
      .argument("<run>", RUN)
      .action(async (run: string, _: unknown, self: Command) => {
        await control(self, run, (open, id) => open.control[name](id));
      });
  }
  runs
    .command("breakpoints")
    .description("hold a run at these nodes, and at no others, from now on; without nodes: at none")
    .argument("<run>", RUN)
    .argument("[nodes...]", "ids of nodes")
    .action(async (run: string, nodes: string[], _: unknown, self: Command) => {
      const ids = nodes.flatMap((node) => node.split(",")).filter((id) => id !== "");
      await control(self, run, (open, id) => open.control.breakpoints(id, ids));
    });
  runs
    .command("retry")
    .description(
      "try failed nodes again: in a run that paused over them, else in a new run with the results before them",
    )
    .argument("<run>", RUN)
    .option("--node <node>", "only this one")
    .action(async (run: string, flags: { node?: string }, self: Command) => {
      await control(self, run, (open, id) => open.control.retry(id, flags));
    });
  runs
    .command("rerun")
    .description("a new run that takes over what an ended one had before a node")
    .argument("<run>", RUN)
    .requiredOption("--from <node>", "the node to begin with; it and all that follows runs anew")
    .option("-i, --input <json>", "replace inputs of that node, one JSON object; of START, inputs of the run")
    .option("--input-file <file>", "the same in a file, or - for standard input")
    .action(async (run: string, flags: { from: string; input?: string; inputFile?: string }, self: Command) => {
      const given = flags.input !== undefined || flags.inputFile !== undefined;
      const inputs = given ? { inputs: await readInputs(flags) } : {};
      await control(self, run, (open, id) => open.control.rerun(id, { from: flags.from, ...inputs }));
    });
}

async function at(self: Command, work: (context: CliContext, open: RunsAt) => Promise<void>): Promise<void> {
  const { withRuns } = await import("../runs-connection.ts");
  const context = contextOf(self);
  await withRuns(context, (open) => work(context, open));
}

type Receipt = Awaited<ReturnType<RunsAt["control"]["retry"] | RunsAt["control"]["signal"]>>;

function control(self: Command, run: string, act: (open: RunsAt, id: string) => Promise<Receipt>): Promise<void> {
  return at(self, async ({ output }, open) => {
    const receipt = await act(open, await open.directory.resolve(run));
    if (output.format !== "table") return output.json(receipt);
    if (receipt.action !== "rerun")
      return output.print(`${receipt.run_id}  ${receipt.action} (sequence ${receipt.seq})`);
    output.print(receipt.run_id);
    output.note(`a new run, with what ${receipt.rerun_of} had; follow it: rayflow runs watch ${receipt.run_id}`);
  });
}

function parseEvent(text: string): { seq: number } | { event: number } {
  const [, hash, digits] = /^(#?)(\d{1,15})$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) === 0) {
    throw new RayflowError(
      "UsageError",
      `--at is a sequence of the log or '#7' (in quotes), not ${JSON.stringify(text)}`,
    );
  }
  return hash === "#" ? { event: Number(digits) } : { seq: Number(digits) };
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Ms since 1970. */
function parseSince(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS_MS[unit] ?? 0);
  if (Number.isFinite(ms)) return ms;
  throw new RayflowError("UsageError", `--since is a time or how long ago (15m, 2h), not ${JSON.stringify(text)}`);
}
