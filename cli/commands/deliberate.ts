import { randomUUID } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import type { DeliberationRequest } from "../../deliberation/index.ts";
import { RayflowError } from "../../flow/index.ts";
import type { RunResult } from "../../nats/index.ts";
import { namedServer } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import type { Environment } from "../environment.ts";
import { EXIT } from "../exit-codes.ts";
import type { LocalStack } from "../local-stack.ts";
import { styled, table } from "../output.ts";
import { readJsonFile } from "../read-json.ts";
import { stopSignal } from "../signals.ts";
import { secondsOption, wholeNumber } from "../stack-options.ts";

interface DeliberateFlags {
  readonly role: string;
  readonly agents?: readonly DeliberationRequest["agents"][number][];
  readonly rounds?: number;
  readonly quorum?: number;
  readonly deadline?: number;
  readonly budget?: number;
  readonly constraint?: Readonly<Record<string, string>>;
  readonly rubric?: string;
  readonly url?: string;
  readonly model?: string;
  readonly tenant?: string;
  readonly taskId?: string;
  readonly stream: boolean;
  readonly timeout: number;
}

const DEFAULT_AGENTS = 3;
const MAX_AGENTS = 64;
const DEFAULT_TIMEOUT_MS = 900_000;

export function register(program: Command): void {
  program
    .command("deliberate")
    .description("let a council of agents answer a task: in parallel, in rounds, judged")
    .argument("<task>", "what the agents are to answer")
    .option("--role <role>", "the role they answer in", "expert")
    .option("--agents <n or ids>", `how many, or who: ada,bea:tester (default ${DEFAULT_AGENTS})`, agentsOption)
    .option(
      "--rounds <n>",
      "from the second on they see each other's answers (default 1)",
      wholeNumber("--rounds", 1, 10),
    )
    .option("--quorum <n>", "answers that it takes (default: more than half)", wholeNumber("--quorum", 1, MAX_AGENTS))
    .option("--deadline <seconds>", "longest time to collect answers (default 600)", secondsOption("--deadline"))
    .option(
      "--budget <tokens>",
      "of all agents and rounds together (default: no limit)",
      wholeNumber("--budget", 1, 1e9),
    )
    .option("--constraint <name=value>", "what an answer has to keep to; may be repeated", constraintOption)
    .option("--rubric <file>", "a JSON list of criteria to score by")
    .option("--url <url>", "the endpoint, or several with commas (default VLLM_URL)")
    .option("--model <name>", "the model (default VLLM_MODEL)")
    .option("--tenant <name>", "whose limits count")
    .option("--task-id <id>", "the same one twice is one deliberation (default: a new one)")
    .option("--no-stream", "do not publish tokens as they come")
    .option("--timeout <seconds>", "how long to wait (default 900)", secondsOption("--timeout"), DEFAULT_TIMEOUT_MS)
    .addHelpText(
      "after",
      "\nWithout a server (--server, NATS_URL) one is started for this call. Without an endpoint (--url, VLLM_URL," +
        "\nRAYFLOW_MODEL_ENDPOINTS) a stand-in answers, which is no model, and says so.",
    )
    .action((task: string, flags: DeliberateFlags, self: Command) => deliberate(contextOf(self), task, flags));
}

async function deliberate(context: CliContext, task: string, flags: DeliberateFlags): Promise<void> {
  const { environment } = context;
  const { buildDeliberation, startModelStandIn, STAND_IN_MODEL } = await import("../../deliberation/index.ts");
  const asked = await requestOf(task, flags);
  // What cannot be asked is refused before anything starts.
  buildDeliberation(asked);
  using stop = stopSignal(environment);
  if (namedServer(context.flags, environment) !== undefined) {
    const { connectNats } = await import("../../nats/index.ts");
    const nc = await connectNats(context.connectOptions("rayflow deliberate"));
    try {
      return await runAndPrint(context, nc, asked, flags, stop.signal);
    } finally {
      await nc.close();
    }
  }
  await using standIn = hasEndpoint(environment, flags) ? undefined : await startModelStandIn();
  if (standIn !== undefined) {
    const note = "No VLLM_URL is set: a stand-in answers. It is no model, and its answers mean nothing.";
    context.output.note(styled(note, "yellow", context.output.color));
  }
  const variables = standIn === undefined ? urlVariable(flags) : { VLLM_URL: standIn.url, VLLM_MODEL: STAND_IN_MODEL };
  await using stack = await startStack(context, variables, stop.signal);
  await runAndPrint(context, stack.nc, asked, flags, stop.signal);
}

function hasEndpoint(environment: Environment, { url }: DeliberateFlags): boolean {
  return [url, environment.VLLM_URL, environment.RAYFLOW_MODEL_ENDPOINTS].some((value) => value !== undefined);
}

/** Who starts the actors may say which private addresses they reach: what was typed here is such a word. */
function urlVariable({ url, model }: DeliberateFlags): Record<string, string> {
  return {
    ...(url === undefined ? {} : { RAYFLOW_MODEL_ENDPOINTS: url }),
    ...(model === undefined ? {} : { VLLM_MODEL: model }),
  };
}

async function startStack(
  context: CliContext,
  actorVariables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<LocalStack> {
  const [{ startLocalStack }, { createLogger }] = await Promise.all([
    import("../local-stack.ts"),
    import("../logger.ts"),
  ]);
  const logger = await createLogger({ environment: context.environment, defaultLevel: "error", name: "rayflow" });
  return startLocalStack({ logger, actorVariables, actorGraceMs: 1_000, signal });
}

async function runAndPrint(
  context: CliContext,
  nc: NatsConnection,
  request: DeliberationRequest,
  flags: DeliberateFlags,
  signal: AbortSignal,
): Promise<void> {
  const { output } = context;
  const [deliberation, { RunLog }, { runToEnd }, { watchAgents }] = await Promise.all([
    import("../../deliberation/index.ts"),
    import("../../store/index.ts"),
    import("../run-flow.ts"),
    import("../deliberation-progress.ts"),
  ]);
  const { buildDeliberation, setUpDeliberations, startDeliberation, TaskRecords } = deliberation;
  const { flow, inputs, options } = buildDeliberation(request);
  await setUpDeliberations(nc);
  const records = await TaskRecords.open(nc);
  // With a record, as the executor's: so it counts among the councils.
  const begin = () => startDeliberation(request, { nc, records, runs: { log: new RunLog(nc) } });
  const watch = watchAgents(nc, request.task_id, output);
  try {
    const result = await runToEnd(
      nc,
      { flow, inputs },
      {
        ...options,
        begin,
        // Who listens hears of the end at once.
        onEvent: () => {},
        timeoutMs: flags.timeout,
        signal,
      },
    );
    await watch.stop();
    await print(context, result);
    if (signal.aborted) exitWith(EXIT.interrupted);
  } finally {
    await watch.stop();
  }
}

async function print({ output }: CliContext, result: RunResult): Promise<void> {
  exitWith(result.success ? EXIT.ok : EXIT.failed);
  if (output.format !== "table") return output.json(result);
  const { resultLine } = await import("../run-progress.ts");
  output.note(resultLine(result, output.color));
  if (!result.success) return;
  const { deliberationResult } = await import("../../deliberation/index.ts");
  const { winner, results, usage, stand_in, failures } = deliberationResult.parse(result.result);
  const rows = results.map(({ rank, agent_id, role, score, round, usage: { total_tokens } }) =>
    [rank, agent_id, role, score.toFixed(3), round, total_tokens].map(String),
  );
  output.print(await table(["rank", "agent", "role", "score", "round", "tokens"], rows));
  output.print();
  output.print(`${winner.agent_id} wins:`);
  output.print(winner.proposal);
  for (const { agent_id, round, error } of failures) {
    output.note(`${agent_id} gave no answer in round ${round}: ${error.code}: ${error.message}`);
  }
  output.note(`${usage.total_tokens} tokens in all${stand_in ? "; answered by a stand-in, not by a model" : ""}`);
}

async function requestOf(task: string, flags: DeliberateFlags): Promise<DeliberationRequest> {
  const { role, agents = namedAgents(DEFAULT_AGENTS), rounds, quorum, budget, constraint, url, model, tenant } = flags;
  const rubric = flags.rubric === undefined ? undefined : await readRubric(flags.rubric);
  return {
    task_id: flags.taskId ?? randomUUID(),
    task_description: task,
    role,
    agents: [...agents],
    stream: flags.stream,
    ...(constraint === undefined ? {} : { constraints: constraint }),
    ...(rounds === undefined ? {} : { rounds }),
    ...(quorum === undefined ? {} : { quorum }),
    ...(flags.deadline === undefined ? {} : { deadline: flags.deadline / 1_000 }),
    ...(budget === undefined ? {} : { budget_tokens: budget }),
    ...(url === undefined ? {} : { vllm_url: url }),
    ...(model === undefined ? {} : { vllm_model: model }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(rubric === undefined ? {} : { rubric }),
  };
}

async function readRubric(file: string): Promise<NonNullable<DeliberationRequest["rubric"]>> {
  const json: unknown = await readJsonFile(file, "rubric");
  if (Array.isArray(json)) return json as NonNullable<DeliberationRequest["rubric"]>;
  throw new RayflowError("UsageError", `--rubric: ${file} is no JSON list`);
}

function agentsOption(text: string): DeliberationRequest["agents"] {
  if (/^\d+$/.test(text)) return namedAgents(wholeNumber("--agents", 1, MAX_AGENTS)(text));
  return text.split(",").map((one) => {
    const [id = "", ...role] = one.trim().split(":");
    if (id === "") throw new RayflowError("UsageError", `--agents is a number or ids with commas, not ${text}`);
    return role.length === 0 ? { id } : { id, role: role.join(":") };
  });
}

function namedAgents(count: number): DeliberationRequest["agents"] {
  return Array.from({ length: count }, (_, at) => ({ id: `agent-${at + 1}` }));
}

function constraintOption(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at <= 0) throw new RayflowError("UsageError", `--constraint is name=value, not ${JSON.stringify(text)}`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
