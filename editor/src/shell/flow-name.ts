/** Names of flows: they go into subjects and keys. */
import { ID_PATTERN } from "../../../flow/index.ts";

/** Why a flow cannot be called so; undefined when it can. */
export function flowNameProblem(name: string): string | undefined {
  if (name === "") return "The flow needs a name";
  if (ID_PATTERN.test(name)) return undefined;
  return `"${name}" is no name for a flow: use 1 to 64 letters, digits, "_" and "-"`;
}

/** The nearest name that is allowed. */
export function asFlowName(text: string): string {
  return (
    text
      .trim()
      .replace(/[^A-Za-z0-9_-]+/g, "_")
      .replace(/^_+|_+$/g, "")
      .slice(0, 64) || "flow"
  );
}
