/** Where a command's words go: data to stdout in the format that was asked for, everything else to stderr. */
import type { Command } from "commander";
import { RayflowError } from "../flow/index.ts";

export const FORMATS = ["table", "json", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

export interface Output {
  readonly format: Format;
  /** Whether stderr may carry colours. */
  readonly color: boolean;
  /** The one JSON value of this command; in `jsonl` the same on one line. */
  json(value: unknown): void;
  /** A line of data for people, on stdout. Only for format `table`. */
  print(line?: string): void;
  /** Progress and advice, on stderr. */
  note(line: string): void;
}

export function createOutput(format: Format, color: boolean): Output {
  return {
    format,
    color,
    json: (value) => writeLine(process.stdout, JSON.stringify(value, null, format === "jsonl" ? undefined : 2)),
    print: (line = "") => writeLine(process.stdout, line),
    note: (line) => writeLine(process.stderr, line),
  };
}

function writeLine(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${line}\n`);
}

/** Adds the options that say how to print; every command has them. */
export function addOutputOptions(command: Command): Command {
  return command
    .option("-o, --output <format>", "how to print data: table, json or jsonl (one value per line)", parseFormat)
    .option("--json", "the same as -o json: stdout is one JSON value and nothing else")
    .option("--no-color", "no colours (also NO_COLOR)");
}

function parseFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) {
    throw new RayflowError("UsageError", `--output is one of ${FORMATS.join(", ")}, not ${JSON.stringify(text)}`);
  }
  return format;
}

/** The format that the arguments ask for, before they are parsed: errors in parsing must keep to it. */
export function formatOf(args: readonly string[]): Format {
  let format: Format = "table";
  for (const [at, arg] of args.entries()) {
    if (arg === "--") break;
    if (arg === "--json") return "json";
    const value = arg === "-o" || arg === "--output" ? args[at + 1] : /^(?:-o|--output=)(.+)$/.exec(arg)?.[1];
    format = FORMATS.find((known) => known === value) ?? format;
  }
  return format;
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

/** Text in a style, or as it is when there are to be no colours. */
export function styled(text: string, style: Style, color: boolean): string {
  return color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

/** Rows under headings, for people. Loaded only when it is needed. */
export async function table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const grid = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: Object.fromEntries(
      ["top", "bottom", "left", "right", "mid"]
        .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
        .concat("middle")
        .map((name) => [name, ""]),
    ),
  });
  for (const row of rows) grid.push([...row]);
  return grid
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
