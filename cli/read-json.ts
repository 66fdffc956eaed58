/** Flows and inputs as users hand them over: a file, standard input, or an argument. */
import { readFile } from "node:fs/promises";
import { RayflowError } from "../flow/index.ts";

/**
 * The flow's JSON in a file, or on standard input when the name is `-`.
 * @throws UsageError
 */
export async function readFlow(file: string): Promise<unknown> {
  return readJsonFile(file, "flow");
}

/** The same for anything else. @throws UsageError */
export async function readJsonFile(file: string, what: string): Promise<unknown> {
  return parseJson(await readText(file, what), file === "-" ? "standard input" : file);
}

/**
 * The inputs of a run, from `--input` or `--input-file`.
 * @throws UsageError
 */
export async function readInputs(options: {
  readonly input?: string;
  readonly inputFile?: string;
}): Promise<Record<string, unknown>> {
  if (options.input !== undefined && options.inputFile !== undefined) {
    throw new RayflowError("UsageError", "give --input or --input-file, not both");
  }
  let value: unknown = {};
  if (options.input !== undefined) value = parseJson(options.input, "--input");
  if (options.inputFile !== undefined) {
    value = parseJson(await readText(options.inputFile, "input"), options.inputFile);
  }
  if (!isObject(value)) throw new RayflowError("UsageError", 'inputs are one JSON object: {"name": value, …}');
  return value;
}

async function readText(file: string, what: string): Promise<string> {
  try {
    if (file !== "-") return await readFile(file, "utf8");
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString("utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(cause);
    throw new RayflowError("UsageError", `cannot read the ${what} ${JSON.stringify(file)}: ${why}`, { cause });
  }
}

/** @throws UsageError with the line and column of what is no JSON */
export function parseJson(text: string, where: string): unknown {
  try {
    // Editors on Windows still put a byte order mark first.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new RayflowError("UsageError", `${where} is no JSON: ${withPosition(message, text)}`, { cause });
  }
}

function withPosition(message: string, text: string): string {
  const found = /at position (\d+)/.exec(message)?.[1];
  const position = found === undefined ? text.length : Number(found);
  const before = text.slice(0, position).split("\n");
  const short = message.replace(/ in JSON at position \d+.*$/s, "").replace(/^(.{200}).+$/s, "$1 …");
  return `${short} (line ${before.length}, column ${(before.at(-1) ?? "").length + 1})`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
