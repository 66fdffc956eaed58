import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import type { RunRequest } from "../../gateway/index.ts";
import type { RunEvent, RunResult } from "../../nats/index.ts";
import { connectIfServed } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { pinFlow, resolveFlowArgument } from "../flow-argument.ts";
import { addHttpOptions, type HttpFlags, portOption } from "../gateway-options.ts";
import type { LocalStack, LocalStackOptions } from "../local-stack.ts";
import { styled } from "../output.ts";
import { readInputs } from "../read-json.ts";
import { stopSignal } from "../signals.ts";
import { addNodeOptions, type NodeFlags, nodesDirOf, secondsOption } from "../stack-options.ts";
import { BRIEF_MS, noteLogger, openTracing, outerTrace } from "../tracing.ts";

interface RunFlags extends NodeFlags, HttpFlags {
  readonly input?: string;
  readonly inputFile?: string;
  readonly timeout: number;
  readonly debug?: boolean;
  readonly full?: boolean;
  readonly detach?: boolean;
  readonly local?: boolean;
  readonly msgId?: string;
  readonly break?: readonly string[];
  readonly port?: number;
}

const DEFAULT_TIMEOUT_MS = 300_000;

export function register(program: Command): void {
  const command = program
    .command("run")
    .description("run a flow, wait, and print its result; or serve it over HTTP")
    .argument("<flow>", "a flow's JSON file, - for standard input, or the name of a deployed flow (name@version)")
    .option("-i, --input <json>", 'the inputs, one JSON object: {"x": 5}')
    .option("--input-file <file>", "the inputs in a file, or - for standard input")
    .option("--timeout <seconds>", "how long to wait (default 300)", secondsOption("--timeout"), DEFAULT_TIMEOUT_MS)
    .option("--debug", "show each node with its values as it runs, on stderr; with -o jsonl as JSON lines on stdout")
    .option("--full", "with --debug or --break: values whole, however long")
    .option("--break <nodes>", "hold the run at these nodes (a,b) and debug it: see rayflow debug", nodeIds)
    .option("--detach", "print the run's id and do not wait; needs a running server")
    .option("--local", "start a server for this call, even when one is running")
    .option("--msg-id <key>", "idempotency key: the same one twice is one run")
    .option("--port <n>", "serve the flow: POST /execute with its inputs; stays up until Ctrl-C", portOption);
  addNodeOptions(addHttpOptions(command))
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
  if (flags.break !== undefined && flags.detach !== true && (file === "-" || flags.inputFile === "-")) {
    throw new RayflowError("UsageError", "with --break standard input is for commands: name files, or --detach");
  }
  if (flags.port !== undefined) return serve(context, file, flags, flags.port);
  const [asked, inputs] = await Promise.all([resolveFlowArgument(file), readInputs(flags)]);
  const { environment } = context;
  using stop = stopSignal(environment);
  await using traced = await traceBriefly(context);
  const { tracing } = traced;
  const trace = outerTrace(environment);
  const inSpan = <T>(work: () => Promise<T>): Promise<T> =>
    tracing === undefined ? work() : tracing.inSpan({ name: "rayflow run", kind: "client", parent: trace }, work);
  const running =
    flags.local === true ? undefined : await connectIfServed(context.flags, context.environment, "rayflow run");
  if (running === undefined) {
    if ("flowRef" in asked) throw noFileNorServer(file, flags);
    if (flags.detach === true) {
      throw new RayflowError("UsageError", "--detach needs a running server: start `rayflow dev`, or name one");
    }
    await using stack = await startStack(context, flags, stop.signal, { tracing });
    const request = { ...asked, inputs, trace };
    if (flags.break !== undefined) {
      const left = await inSpan(() => debugAndPrint(context, stack.nc, request, flags, stop.signal));
      if (left !== undefined) context.output.note(`run ${left} ends here: its server was for this call alone`);
    } else await inSpan(() => runAndPrint(context, stack.nc, request, flags, stop.signal));
    return;
  }
  try {
    const request = { ...(await pinFlow(running.nc, asked)), inputs, trace };
    if (flags.detach === true) await inSpan(() => detach(context, running.nc, request, flags));
    else if (flags.break !== undefined) {
      const left = await inSpan(() => debugAndPrint(context, running.nc, request, flags, stop.signal));
      if (left !== undefined) context.output.note(`left run ${left} as it is; back: rayflow debug ${left}`);
    } else await inSpan(() => runAndPrint(context, running.nc, request, flags, stop.signal));
  } finally {
    await running.nc.close();
  }
}

/** Tracing of a command that ends soon: its last spans hold it up only briefly. */
function traceBriefly({ environment, output }: CliContext): ReturnType<typeof openTracing> {
  return openTracing({ service: "rayflow", environment, logger: noteLogger(output), lastSpansMs: BRIEF_MS });
}

/** The flow as a service, on a running server or with a whole RayFlow of its own. */
async function serve(context: CliContext, file: string, flags: RunFlags, port: number): Promise<void> {
  const others = { "--detach": flags.detach, "--break": flags.break, "--msg-id": flags.msgId, "--debug": flags.debug };
  const inputs = { "--input": flags.input, "--input-file": flags.inputFile };
  const odd = Object.entries({ ...others, ...inputs }).find(([, value]) => value !== undefined);
  if (odd !== undefined)
    throw new RayflowError("UsageError", `${odd[0]} is for one run, --port for many: leave one out`);
  const [asked, { serveFlow }] = await Promise.all([resolveFlowArgument(file), import("../serve-flow.ts")]);
  using stop = stopSignal(context.environment);
  const running =
    flags.local === true ? undefined : await connectIfServed(context.flags, context.environment, "rayflow run");
  await using traced = await traceBriefly(context);
  const { tracing } = traced;
  const options = { asked, http: flags, port, timeoutMs: flags.timeout, stop, tracing };
  if (running !== undefined) {
    try {
      return await serveFlow(context, running.nc, options);
    } finally {
      await running.nc.close();
    }
  }
  if ("flowRef" in asked) throw noFileNorServer(file, flags);
  try {
    await using stack = await startStack(context, flags, stop.signal, { service: true, tracing });
    await serveFlow(context, stack.nc, options);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

/** A whole RayFlow for this call. */
async function startStack(
  context: CliContext,
  flags: RunFlags,
  signal: AbortSignal,
  more: Pick<LocalStackOptions, "service" | "tracing"> = {},
): Promise<LocalStack> {
  const [{ startLocalStack }, { createLogger }] = await Promise.all([
    import("../local-stack.ts"),
    import("../logger.ts"),
  ]);
  // What goes wrong with this run is in its result: the log is for what goes wrong with RayFlow.
  const logger = await createLogger({ environment: context.environment, defaultLevel: "error", name: "rayflow" });
  return startLocalStack({
    logger,
    nodesDir: nodesDirOf(flags),
    filesRoot: flags.filesRoot,
    allowPrivateAddresses: flags.allowPrivateAddresses ?? false,
    actorLogs: flags.debug === true,
    // The run is over when the stack stops: whatever an actor still does is of no use.
    actorGraceMs: 1_000,
    signal,
    ...more,
  });
}

async function detach(context: CliContext, nc: NatsConnection, request: RunRequest, flags: RunFlags): Promise<void> {
  const { publishRun } = await import("../../gateway/index.ts");
  const options = {
    ...(flags.debug === true ? { debug: true } : {}),
    ...(flags.break === undefined ? {} : { breakpoints: [...flags.break] }),
  };
  const { runId, duplicate } = await publishRun(nc, { ...request, options }, msgIdOf(flags));
  if (context.output.format === "table") context.output.print(runId);
  else context.output.json({ run_id: runId, duplicate });
}

/** Gives the run's id when the user leaves it before it has ended. */
async function debugAndPrint(
  context: CliContext,
  nc: NatsConnection,
  request: RunRequest,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { submitAndDebug } = await import("../debug-run.ts");
  const { output } = context;
  const end = await submitAndDebug(nc, request, {
    breakpoints: flags.break ?? [],
    ...msgIdOf(flags),
    output,
    full: flags.full === true,
    signal,
    onSilence: (runId) => output.note(silenceLine(runId)),
  });
  if (end.kind === "ended") {
    print(context, end.result);
    return undefined;
  }
  if (output.format !== "table") output.json({ run_id: end.runId });
  exitWith(end.interrupted ? EXIT.interrupted : EXIT.ok);
  return end.runId;
}

async function runAndPrint(
  context: CliContext,
  nc: NatsConnection,
  request: RunRequest,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<void> {
  const { output } = context;
  const waits = {
    ...msgIdOf(flags),
    timeoutMs: flags.timeout,
    signal,
    onSilence: (runId: string) => output.note(silenceLine(runId)),
  };
  if (flags.debug === true) {
    const { runAndFollow } = await import("../follow-run.ts");
    const result = await runAndFollow(nc, request, { ...waits, output, full: flags.full === true });
    // As JSON lines, the end is the last of them.
    if (output.format !== "jsonl") print(context, result);
    else output.json({ kind: "ended", run_id: result.run_id, result });
    if (!result.success) exitWith(EXIT.failed);
  } else {
    const [{ runToEnd }, { waitingLine }] = await Promise.all([import("../run-flow.ts"), import("../run-progress.ts")]);
    const onEvent = (event: RunEvent): void => {
      if (event.kind === "waiting") output.note(waitingLine(event, output.color));
    };
    print(context, await runToEnd(nc, request, { ...waits, onEvent }));
  }
  if (signal.aborted) exitWith(EXIT.interrupted);
}

function noFileNorServer(file: string, flags: RunFlags): RayflowError {
  const local = flags.local === true ? "; --local knows no deployed flows" : "";
  const message = `there is no file ${file}, and no server to look for a flow of that name${local}`;
  return new RayflowError("UsageError", message);
}

function silenceLine(runId: string): string {
  return `run ${runId} waits: no orchestrator has taken it yet (start one: rayflow orchestrator)`;
}

function nodeIds(text: string): string[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.every((id) => id !== "")) return ids;
  throw new RayflowError("UsageError", `--break is one node's id or several with commas, not ${JSON.stringify(text)}`);
}

function msgIdOf(flags: RunFlags): { msgId?: string } {
  return flags.msgId === undefined ? {} : { msgId: flags.msgId };
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
