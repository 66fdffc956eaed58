import type { Command } from "commander";
import { RayflowError, readTriggers, type Trigger } from "../../flow/index.ts";
import type { Deployment } from "../../store/index.ts";
import { type CliContext, contextOf } from "../context.ts";
import { printIssues } from "../failure.ts";
import { readFlow } from "../read-json.ts";
import { describeTrigger, flowJson, withRegistry } from "../registry.ts";

interface DeployFlags {
  readonly name?: string;
  readonly rollback?: string;
  readonly cron?: readonly string[];
  readonly timezone?: string;
  readonly every?: readonly string[];
  readonly onSubject?: readonly string[];
  readonly stream?: string;
  readonly onVariable?: readonly string[];
  readonly inputs?: string;
  readonly catchUp?: string;
  readonly maxPerSecond?: string;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function register(program: Command): void {
  program
    .command("deploy")
    .description("keep a flow on the server: to run it by its name, and to have it started by triggers")
    .argument("<flow>", "a flow's JSON file, or - for standard input; a deployed flow's name with --rollback")
    .option("--name <name>", "the name to deploy it under (default: the flow's own)")
    .option("--rollback <version>", "make an earlier version the active one again: a label, or digits of its hash")
    .option("--cron <expression>", 'run at these times: "0 9 * * 1-5"; may be given again', collect)
    .option("--timezone <name>", "the time zone of --cron: Europe/Berlin (default UTC)")
    .option("--every <duration>", "run again and again: 30s, 10m, 2h; may be given again", collect)
    .option("--on-subject <subject>", "run for each message on a NATS subject; may be given again", collect)
    .option("--stream <name>", "the JetStream stream that holds the messages of --on-subject: then none is lost")
    .option("--on-variable <name>", "run for each change of global.<name> or flow.<name>; may be given again", collect)
    .option("--inputs <json>", "inputs of the runs that these triggers start, one JSON object")
    .option("--catch-up <policy>", "after missed times: last (one run, the default) or skip (none)")
    .option("--max-per-second <count>", "most runs per second for --on-subject and --on-variable (default 100)")
    .addHelpText("after", '\nA flow file may declare the same in "triggers"; triggers given here are added to those.')
    .action((flow: string, flags: DeployFlags, self: Command) => deploy(contextOf(self), flow, flags));
}

async function deploy(context: CliContext, argument: string, flags: DeployFlags): Promise<void> {
  const { rollback } = flags;
  if (rollback !== undefined) {
    return withRegistry(context, "rayflow deploy", async (registry) => {
      print(context, await registry.activate(argument, rollback));
    });
  }
  const flow = await readFlow(argument);
  const triggers = triggersIn(flags);
  await withRegistry(context, "rayflow deploy", async (registry, nc) => {
    const { knownNodeTypes } = await import("../../gateway/index.ts");
    const types = await knownNodeTypes(nc);
    const name = flags.name === undefined ? {} : { name: flags.name };
    print(context, await registry.deploy(flow, { types, triggers, ...name }).catch(asUsageError));
  });
}

/** @throws UsageError */
function triggersIn(flags: DeployFlags): Trigger[] {
  const timezone = flags.timezone === undefined ? {} : { timezone: flags.timezone };
  const stream = flags.stream === undefined ? {} : { stream: flags.stream };
  const catchUp = flags.catchUp === undefined ? {} : { catch_up: flags.catchUp };
  const pace = flags.maxPerSecond === undefined ? {} : { max_per_second: Number(flags.maxPerSecond) };
  const inputs = flags.inputs === undefined ? {} : { inputs: parseInputs(flags.inputs) };
  const written = [
    ...(flags.cron ?? []).map((cron) => ({ cron, ...timezone, ...catchUp, ...inputs })),
    ...(flags.every ?? []).map((every) => ({ every, ...catchUp, ...inputs })),
    ...(flags.onSubject ?? []).map((subject) => ({ subject, ...stream, ...pace, ...inputs })),
    ...(flags.onVariable ?? []).map((variable) => ({ variable, ...pace, ...inputs })),
  ];
  for (const [flag, needs] of Object.entries(NEEDED)) {
    const isGiven = (name: keyof DeployFlags) => flags[name] !== undefined;
    if (isGiven(flag as keyof DeployFlags) && !needs.some(isGiven)) {
      throw new RayflowError(
        "UsageError",
        `--${kebab(flag)} goes with ${needs.map((name) => `--${kebab(name)}`).join(" or ")}`,
      );
    }
  }
  const { triggers, issues } = readTriggers(written);
  if (issues[0] === undefined) return triggers;
  throw new RayflowError("UsageError", issues[0].message.replace(/^triggers\[\d+\](\.\w+)?: /, "the trigger is off: "));
}

/** Options that say more about a trigger, and the ones that make one. */
const NEEDED: Partial<Record<keyof DeployFlags, readonly (keyof DeployFlags)[]>> = {
  timezone: ["cron"],
  stream: ["onSubject"],
  catchUp: ["cron", "every"],
  maxPerSecond: ["onSubject", "onVariable"],
  inputs: ["cron", "every", "onSubject", "onVariable"],
};

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function parseInputs(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RayflowError("UsageError", `--inputs is no JSON: ${text.slice(0, 100)}`);
  }
}

/** A name that cannot be, two triggers that are the same: the arguments are off. */
function asUsageError(error: unknown): never {
  if (error instanceof RayflowError && error.code === "ValidationError") {
    throw new RayflowError("UsageError", error.message, { cause: error });
  }
  throw error;
}

function print({ output }: CliContext, { deployed, changed, warnings }: Deployment): void {
  const { versions: _, ...json } = flowJson(deployed);
  if (output.format !== "table") return output.json({ ...json, changed, warnings });
  printIssues({ valid: true, errors: [], warnings }, output.note, output.color);
  const label = deployed.label === undefined ? "" : ` (${deployed.label})`;
  output.print(`${deployed.name}@${deployed.version.slice(0, 12)}${label}${changed ? "" : "  was active already"}`);
  for (const trigger of deployed.triggers) output.print(`  ${describeTrigger(trigger)}`);
}
