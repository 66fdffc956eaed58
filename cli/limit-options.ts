/** `--limit` and `--limits-file`: what runs may take. Which limits there are, the orchestrator knows. */
import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import { limitSettings, RayflowError } from "../flow/index.ts";

/** For commander: `name=n`, once or more. */
export function collectLimit(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const [, name, digits] = /^([a-z_]+)=(\d{1,15})$/.exec(text) ?? [];
  if (name === undefined || digits === undefined) throw new InvalidArgumentError("give name=n, as in iterations=1000");
  return { ...before, [name]: Number(digits) };
}

/** @throws UsageError when the file holds no limits */
export async function readLimits(file: string | undefined): Promise<Record<string, number>> {
  if (file === undefined) return {};
  try {
    return limitSettings.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new RayflowError("UsageError", `--limits-file ${file}: not readable as JSON {name: n, …}`, { cause });
  }
}
