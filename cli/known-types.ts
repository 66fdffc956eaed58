/** The node types that a command knows: those of this installation, the user's own, and what a running server lists. */
import { type NodeType, RayflowError, toErrorInfo } from "../flow/index.ts";
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";
import { type NodeFlags, nodesDirOf } from "./stack-options.ts";

const CATALOG_TIMEOUT_MS = 3_000;

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
    notes: [...local.notes, ...(remote?.problem === undefined ? [] : [remote.problem])],
    server: remote?.url,
  };
}

interface Catalog {
  readonly url: string;
  readonly types: readonly NodeType[];
  /** Why its types are not among them. */
  readonly problem?: string;
}

/**
 * What a server lists; undefined when none is running. A server that has no catalog, or is too ill to show it, is no
 * reason not to say what is known here.
 * @throws ConnectionFailed when a server was named that does not answer
 */
async function catalogOf(context: CliContext, name: string): Promise<Catalog | undefined> {
  const running = await connectIfRunning(context.flags, context.environment, name);
  if (running === undefined) return undefined;
  const { nc, url } = running;
  let timer: NodeJS.Timeout | undefined;
  try {
    const { declaredNodeTypes } = await import("../gateway/index.ts");
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new RayflowError("ConnectionFailed", "no answer")), CATALOG_TIMEOUT_MS);
    });
    return { url, types: await Promise.race([declaredNodeTypes(nc), late]) };
  } catch (error) {
    return { url, types: [], problem: `the catalog of ${url} cannot be read: ${toErrorInfo(error).message}` };
  } finally {
    clearTimeout(timer);
    await nc.close();
  }
}
