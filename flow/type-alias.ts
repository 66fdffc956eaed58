/** The names under which node types appear in saved flows, and the one name that each has here. */

const ALIASES: ReadonlyMap<string, string> = new Map([
  ["get_variable", "variables_get"],
  ["set_variable", "variables_set"],
  ["variables_get_variable", "variables_get"],
  ["variables_set_variable", "variables_set"],
  ["base_get_variable", "variables_get"],
  ["base_set_variable", "variables_set"],
  ["base_start", "start"],
  ["base_return", "return"],
]);

/**
 * The canonical type name: `rayflow.nodes.math.add.AddNode`, `math/add.py`, `math/add` and `math.add` are all
 * `math_add`. A name that is none of these forms comes back as it is.
 */
export function canonicalType(written: string): string {
  const name = written.trim();
  const joined = /[./\\]/.test(name) ? fromPath(name) : name;
  return ALIASES.get(joined) ?? joined;
}

function fromPath(name: string): string {
  const parts = name
    .replace(/\.(py|ts|js|mjs)$/, "")
    .split(/[./\\]+/)
    .filter((part) => part !== "");
  if (parts[0] === "rayflow") parts.shift();
  if (parts[0] === "nodes") parts.shift();
  // The class at the end of a dotted path repeats what the module before it says.
  if (parts.length > 1 && /^[A-Z]/.test(parts.at(-1) ?? "")) parts.pop();
  return parts.length === 0 ? name : parts.join("_").replaceAll("-", "_");
}
