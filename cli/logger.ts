/** Logs of the processes that the CLI runs: JSON lines on stderr, or readable ones when a person is looking. */
import { type Logger, pino } from "pino";
import type { Environment } from "./environment.ts";

export interface LoggerOptions {
  readonly environment: Environment;
  /** Used when RAYFLOW_LOG_LEVEL is not set. */
  readonly defaultLevel: "info" | "warn" | "error";
  /** What is logging: `orchestrator`, `actor`. */
  readonly name: string;
  /** Readable lines. Default: when stderr is a terminal. */
  readonly pretty?: boolean | undefined;
}

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const level = options.environment.RAYFLOW_LOG_LEVEL ?? options.defaultLevel;
  const settings = { name: options.name, level };
  // Synchronous: the last lines before an exit are the ones that matter.
  if (!(options.pretty ?? process.stderr.isTTY === true))
    return pino(settings, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  const colorize = !options.environment.NO_COLOR;
  return pino(settings, pretty({ destination: 2, sync: true, colorize, ignore: "pid,hostname" }));
}
