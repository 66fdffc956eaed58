import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import type { RunEvent, RunResult } from "../../nats/index.ts";
import { connectIfRunning } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { styled } from "../output.ts";
import { readFlow, readInputs } from "../read-json.ts";
import { stopSignal } from "../signals.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf, secondsOption } from "../stack-options.ts";

interface RunFlags extends NodeFlags {
  readonly input?: string;
  readonly inputFile?: string;
  readonly timeout: number;
  readonly debug?: boolean;
  readonly detach?: boolean;
  readonly msgId?: string;
}

const DEFAULT_TIMEOUT_MS = 300_000;

export function register(program: Command): void {
  const command = program
    .command("run")
    .description("run a flow, wait, and print its result")
    .argument("<flow>", "a flow's JSON file, or - for standard input")
    .option("-i, --input <json>", 'the inputs, one JSON object: {"x": 5}')
    .option("--input-file <file>", "the inputs in a file, or - for standard input")
    .option("--timeout <seconds>", "how long to wait (default 300)", secondsOption("--timeout"), DEFAULT_TIMEOUT_MS)
    .option("--debug", "show each node with its values as it runs, on stderr")
    .option("--detach", "print the run's id and do not wait; needs a running server")
    .option("--msg-id <key>", "idempotency key: the same one twice is one run");
  addNodeOptions(command)
    .addHelpText(
      "after",
      "\nWithout a server (--server, NATS_URL, a running `rayflow dev`) one is started for this call." +
        "\nExit codes: 0 ok, 1 the run failed, 2 usage or invalid flow, 3 cannot connect, 4 timeout, 130 interrupted.",
    )
    .action(async (file: string, flags: RunFlags, self: Command) => run(contextOf(self), file, flags));
}

async function run(context: CliContext, file: string, flags: RunFlags): Promise<void> {
  if (file === "-" && flags.inputFile === "-") {
    throw new RayflowError("UsageError", "the flow and the inputs cannot both come from standard input");
  }
  const [flow, inputs] = await Promise.all([readFlow(file), readInputs(flags)]);
  using stop = stopSignal();
  const running = await connectIfRunning(context.flags, context.environment, "rayflow run");
  if (running === undefined) {
    if (flags.detach === true) {
      throw new RayflowError("UsageError", "--detach needs a running server: start `rayflow dev`, or name one");
    }
    return runLocally(context, flow, inputs, flags, stop.signal);
  }
  const { nc } = running;
  try {
    if (flags.detach === true) {
      const { publishRun } = await import("../../gateway/index.ts");
      const { runId, duplicate } = await publishRun(nc, { flow, inputs }, msgIdOf(flags));
      if (context.output.format === "table") context.output.print(runId);
      else context.output.json({ run_id: runId, duplicate });
      return;
    }
    const { runToEnd } = await import("../run-flow.ts");
    const result = await runToEnd(
      nc,
      { flow, inputs },
      {
        ...msgIdOf(flags),
        timeoutMs: flags.timeout,
        signal: stop.signal,
        onEvent: await eventPrinter(context, flags),
        onSilence: (runId) =>
          context.output.note(`run ${runId} waits: no orchestrator has taken it yet (start one: rayflow orchestrator)`),
      },
    );
    print(context, result);
  } finally {
    await nc.close();
  }
}

async function runLocally(
  context: CliContext,
  flow: unknown,
  inputs: Record<string, unknown>,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<void> {
  const [{ startLocalStack }, { createLogger }] = await Promise.all([
    import("../local-stack.ts"),
    import("../logger.ts"),
  ]);
  const logger = await createLogger({ environment: context.environment, defaultLevel: "warn", name: "rayflow" });
  await using stack = await startLocalStack({
    logger,
    nodesDir: nodesDirOf(flags),
    filesRoot: flags.filesRoot,
    allowPrivateAddresses: flags.allowPrivateAddresses ?? false,
    signal,
  });
  const { runToEnd } = await import("../run-flow.ts");
  const onEvent = await eventPrinter(context, flags);
  print(
    context,
    await runToEnd(stack.nc, { flow, inputs }, { timeoutMs: flags.timeout, signal, onEvent, ...msgIdOf(flags) }),
  );
}

function msgIdOf(flags: RunFlags): { msgId?: string } {
  return flags.msgId === undefined ? {} : { msgId: flags.msgId };
}

async function eventPrinter(context: CliContext, flags: RunFlags): Promise<(event: RunEvent) => void> {
  const { progressPrinter, waitingLine } = await import("../run-progress.ts");
  if (flags.debug === true) return progressPrinter(context.output, { values: true });
  return (event) => {
    if (event.kind === "waiting") context.output.note(waitingLine(event, context.output.color));
  };
}

function print({ output }: CliContext, result: RunResult): void {
  output.json(result);
  exitWith(result.success ? EXIT.ok : EXIT.failed);
  if (output.format !== "table") return;
  const { nodes_executed, nodes_failed, nodes_skipped, total_time } = result.statistics;
  const counts = `${nodes_executed} nodes ran, ${nodes_failed} failed, ${nodes_skipped} skipped`;
  const mark = result.success ? styled("✔", "green", output.color) : styled("✖", "red", output.color);
  const why = result.error === null ? "" : `: ${result.error.code}: ${result.error.message}`;
  output.note(`${mark} ${result.status} in ${total_time.toFixed(3)} s (${counts})${why}`);
}
