/** Options of the commands that start actors: which nodes they load and what their code may reach. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { RayflowError } from "../flow/index.ts";

export interface NodeFlags {
  readonly nodesDir?: string;
  readonly filesRoot?: string;
  readonly allowPrivateAddresses?: boolean;
}

const DEFAULT_NODES_DIR = "nodes";

export function addNodesDirOption(command: Command): Command {
  return command.option("--nodes-dir <folder>", "your own nodes: <folder>/<category>/<name>.ts (default ./nodes)");
}

export function addNodeOptions(command: Command): Command {
  return addNodesDirOption(command)
    .option("--files-root <folder>", "what io_file_read and io_file_write may reach (default: nothing)")
    .option("--allow-private-addresses", "let io_http_request reach private and loopback addresses");
}

/**
 * The folder of the user's own nodes; undefined when there is none.
 * @throws UsageError when a folder was named that does not exist
 */
export function nodesDirOf(flags: NodeFlags): string | undefined {
  const folder = path.resolve(flags.nodesDir ?? DEFAULT_NODES_DIR);
  if (existsSync(folder)) return folder;
  if (flags.nodesDir === undefined) return undefined;
  throw new RayflowError("UsageError", `--nodes-dir: there is no folder ${flags.nodesDir}`);
}

/** A whole number within bounds, from an option's text. For commander's option parsers. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new RayflowError(
      "UsageError",
      `${option} is a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`,
    );
  };
}

/** Seconds as a person writes them: `2`, `0.5`. Gives milliseconds. */
export function secondsOption(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    // setTimeout overflows at 2^31 ms: it would fire at once.
    if (text.trim() !== "" && value > 0 && value <= 2_000_000) return value * 1000;
    throw new RayflowError("UsageError", `${option} is a number of seconds above 0, not ${JSON.stringify(text)}`);
  };
}
