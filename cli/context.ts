/** What every command's action starts from: flags, environment, output. */
import type { Command } from "commander";
import { type ConnectionFlags, connectOptions } from "./connection.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { createOutput, type Format, type Output } from "./output.ts";

export interface CliContext {
  readonly flags: ConnectionFlags;
  readonly environment: Environment;
  readonly output: Output;
  /** How this process is listed by the server. */
  connectOptions(name: string): ReturnType<typeof connectOptions>;
}

interface GlobalFlags extends ConnectionFlags {
  readonly output?: Format;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function contextOf(command: Command): CliContext {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const environment = readEnvironment();
  const format = flags.json === true ? "json" : (flags.output ?? "table");
  return {
    flags,
    environment,
    output: createOutput(format, mayColor(environment, flags.color !== false)),
    connectOptions: (name) => connectOptions(flags, environment, name),
  };
}

export function mayColor(environment: Pick<Environment, "NO_COLOR">, wanted: boolean): boolean {
  return wanted && !environment.NO_COLOR && process.stderr.isTTY === true && process.stdout.isTTY === true;
}

let exitCode = 0;

/** Sets what the process will exit with, once the command's resources are closed. */
export function exitWith(code: number): void {
  exitCode = code;
}

export function chosenExitCode(): number {
  return exitCode;
}
