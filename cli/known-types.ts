/** The node types that a command knows: those of this installation, the user's own, and what a running server lists. */
import type { NodeType } from "../flow/index.ts";
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";
import { type NodeFlags, nodesDirOf } from "./stack-options.ts";

export interface KnownType {
  readonly nodeType: NodeType;
  /** `builtin`, the user's file, or `server`: only a running server's catalog has it. */
  readonly source: string;
}

export interface KnownTypes {
  /** By type, sorted. */
  readonly types: ReadonlyMap<string, KnownType>;
  /** One line for each file that could not be loaded, and what is worth saying about others. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  /** The server whose catalog is in here; undefined when none is running. */
  readonly server: string | undefined;
}

export async function knownTypes(context: CliContext, flags: NodeFlags, name: string): Promise<KnownTypes> {
  const nodesDir = nodesDirOf(flags);
  const { loadNodes } = await import("../actors/index.ts");
  const [local, remote] = await Promise.all([
    loadNodes(nodesDir === undefined ? {} : { userDirs: [nodesDir] }),
    catalogOf(context, name),
  ]);
  const types = new Map<string, KnownType>();
  for (const nodeType of remote?.types ?? []) types.set(nodeType.type, { nodeType, source: "server" });
  for (const [type, { nodeType, source }] of local.nodes) {
    types.set(type, { nodeType, source: source.from === "builtin" ? "builtin" : source.file });
  }
  return {
    types: new Map([...types].sort(([a], [b]) => (a < b ? -1 : 1))),
    problems: local.problems.map((problem) => problem.message),
    notes: local.notes,
    server: remote?.url,
  };
}

async function catalogOf(context: CliContext, name: string): Promise<{ url: string; types: NodeType[] } | undefined> {
  const running = await connectIfRunning(context.flags, context.environment, name);
  if (running === undefined) return undefined;
  try {
    const { declaredNodeTypes } = await import("../gateway/index.ts");
    const { ensureTopology } = await import("../nats/index.ts");
    await ensureTopology(running.nc);
    return { url: running.url, types: await declaredNodeTypes(running.nc) };
  } finally {
    await running.nc.close();
  }
}
