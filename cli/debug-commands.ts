/** What somebody may say in `rayflow debug`. */

export type DebugCommand =
  | { readonly type: "step" | "continue" | "variables" | "where" | "help" | "quit" }
  /** Sets breakpoints on nodes that have none and clears the others; without nodes, lists them. */
  | { readonly type: "break"; readonly nodes: readonly string[] }
  | { readonly type: "inputs"; readonly node: string | undefined }
  | { readonly type: "unknown"; readonly text: string };

const NAMES: Readonly<Record<string, Exclude<DebugCommand["type"], "unknown">>> = {
  s: "step",
  step: "step",
  c: "continue",
  cont: "continue",
  continue: "continue",
  b: "break",
  break: "break",
  i: "inputs",
  inputs: "inputs",
  v: "variables",
  vars: "variables",
  variables: "variables",
  w: "where",
  where: "where",
  q: "quit",
  quit: "quit",
  exit: "quit",
  h: "help",
  help: "help",
  "?": "help",
};

export const DEBUG_HELP = [
  "s, step         send what is held; hold whatever becomes ready next",
  "c, continue     send what is held; go on to the next breakpoint",
  "b NODE…         set a breakpoint, or clear it; alone: list them",
  "i [NODE]        the inputs of what is held, whole",
  "v, variables    the variables of the run, of its flow and of everybody",
  "w, where        where the run stands",
  "q, quit         leave; the run stays as it is",
  "(an empty line repeats the last s or c)",
];

/** An empty line is `last` again. */
export function parseDebugCommand(line: string, last?: "step" | "continue"): DebugCommand | undefined {
  const [name = "", ...rest] = line.split(/[\s,]+/).filter((word) => word !== "");
  if (name === "") return last && { type: last };
  const type = Object.hasOwn(NAMES, name.toLowerCase()) ? NAMES[name.toLowerCase()] : undefined;
  if (type === "break") return { type, nodes: rest };
  if (type === "inputs" && rest.length <= 1) return { type, node: rest[0] };
  if (type === undefined || type === "inputs" || rest.length > 0) return { type: "unknown", text: line.trim() };
  return { type };
}
