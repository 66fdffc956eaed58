/** Whose variable is meant, as callers write it. */
import { RayflowError } from "../flow/index.ts";
import type { VariableOwner } from "../store/index.ts";

/** `global`, `flow:<name>`, `run:<id>`; or the scope and whose it is. @throws ValidationError */
export function ownerOf(text: string, whose?: string): VariableOwner {
  const at = text.indexOf(":");
  const scope = at < 0 ? text : text.slice(0, at);
  const owner = whose ?? (at < 0 ? "" : text.slice(at + 1));
  if (scope === "global" && owner === "") return { scope };
  if (scope === "flow" && owner !== "") return { scope, flow: owner };
  if (scope === "run" && /^[A-Za-z0-9_-]{1,128}$/.test(owner)) return { scope, run: owner };
  throw new RayflowError("ValidationError", "a scope is global, flow:<name> or run:<id>");
}
