/**
 * The NodeLoader: from folders to the registry of node types.
 *
 * L1. A type is found by its exact name; nothing that a flow says is ever imported.
 * L2. A bad file costs its own type only: it becomes a problem that names it, all others load.
 * L3. A user's type goes before a built-in one of the same name, but for the control types that the run machine handles.
 */
import { realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nodeType, RayflowError } from "../flow/index.ts";
import { isNodeDefinition } from "./define-node.ts";
import { importUserModule, ownExtension, packageRoot } from "./import-user-module.ts";
import type { NodeDefinition } from "./node-definition.ts";
import { findNodeFiles, type NodeFile } from "./node-files.ts";

/** How long a file's import may take, ms: a top-level await may never end. */
const IMPORT_TIMEOUT_MS = 15_000;

export interface LoadNodesOptions {
  /** Folder of the built-in nodes, with an index module that exports `builtinNodes`. Default: this installation's. */
  readonly builtinDir?: string;
  /** Folders of the user's nodes, the first one first. Those that do not exist are passed over. */
  readonly userDirs?: readonly string[];
}

export interface LoadedNode extends NodeDefinition {
  readonly source: {
    readonly from: "builtin" | "user";
    /** Where it was defined; for a built-in one relative to its folder and without extension. */
    readonly file: string;
  };
}

export interface LoadedNodes {
  /** By type. */
  readonly nodes: Map<string, LoadedNode>;
  /** NodeLoadErrors, each naming its file in `details.file`. */
  readonly problems: RayflowError[];
  /** What is worth saying but not wrong: a user's type that replaces a built-in one. */
  readonly notes: string[];
}

/** All node types of this process, built-in and the user's. Rejects only when the built-in ones cannot be loaded. */
export async function loadNodes(options: LoadNodesOptions = {}): Promise<LoadedNodes> {
  const builtinDir = options.builtinDir ?? join(dirname(dirname(fileURLToPath(import.meta.url))), "nodes");
  const builtins = await loadBuiltins(builtinDir);
  const loaded: LoadedNodes = { nodes: new Map(), problems: [], notes: [] };
  for (const [file, definition] of Object.entries(builtins)) {
    loaded.nodes.set(definition.nodeType.type, { ...definition, source: { from: "builtin", file } });
  }
  for (const dir of options.userDirs ?? []) {
    await loadUserDir(resolve(dir), new Set(Object.keys(builtins)), builtinDir, loaded);
  }
  return loaded;
}

/** By a path made here, for this room may not import the nodes' room: it is the nodes that import us. */
async function loadBuiltins(dir: string): Promise<Readonly<Record<string, NodeDefinition>>> {
  const index = pathToFileURL(join(dir, `index${ownExtension}`)).href;
  const { builtinNodes } = (await import(index)) as { builtinNodes: Readonly<Record<string, NodeDefinition>> };
  return builtinNodes;
}

async function loadUserDir(dir: string, builtinFiles: ReadonlySet<string>, builtinDir: string, loaded: LoadedNodes) {
  let files: NodeFile[];
  try {
    files = await findNodeFiles(dir);
    // In a checkout ./nodes is the folder of the built-in nodes, and users add theirs beside them.
    if (await isOneOf(dir, [builtinDir, join(packageRoot, "nodes")])) {
      files = files.filter(({ name }) => !builtinFiles.has(name));
    }
  } catch (cause) {
    loaded.problems.push(loadError(dir, cause));
    return;
  }
  const results = await Promise.allSettled(files.map(({ path }) => loadUserFile(path)));
  for (const [at, result] of results.entries()) {
    const file = files[at]?.path ?? dir;
    const problem = result.status === "fulfilled" ? add(result.value, file, loaded) : loadError(file, result.reason);
    if (problem) loaded.problems.push(problem);
  }
}

async function loadUserFile(file: string): Promise<NodeDefinition> {
  const module = (await withTimeout(importUserModule(file))) as { default?: unknown };
  const exported = module.default;
  // A CommonJS file translated from TypeScript has its default export one level down.
  const inner = (exported as { default?: unknown } | null | undefined)?.default;
  const definition = isNodeDefinition(exported) ? exported : inner;
  if (!isNodeDefinition(definition)) {
    throw new RayflowError("NodeLoadError", "its default export must come from defineNode()");
  }
  if (!definition.execute) {
    throw new RayflowError("NodeLoadError", "control types are RayFlow's own: use defineNode()");
  }
  // Also makes the config's JSON Schema, so that one that cannot be made is found now.
  const checked = nodeType.safeParse(definition.nodeType);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new RayflowError("NodeLoadError", `not a node type: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  return definition;
}

function add(definition: NodeDefinition, file: string, loaded: LoadedNodes): RayflowError | undefined {
  const { type } = definition.nodeType;
  const known = loaded.nodes.get(type);
  if (known?.source.from === "user")
    return loadError(file, `type "${type}" is defined in ${known.source.file} already`);
  if (known && !known.execute) return loadError(file, `type "${type}" is one that RayFlow handles itself`);
  if (known) loaded.notes.push(`${file} replaces the built-in node type ${type}`);
  loaded.nodes.set(type, { ...definition, source: { from: "user", file } });
  return undefined;
}

async function isOneOf(dir: string, others: readonly string[]): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => undefined);
  const own = await real(dir);
  return own !== undefined && (await Promise.all(others.map(real))).includes(own);
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `its import did not end within ${IMPORT_TIMEOUT_MS / 1000} s`;
    timer = setTimeout(() => reject(new RayflowError("NodeLoadError", message)), IMPORT_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function loadError(file: string, cause: unknown): RayflowError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RayflowError("NodeLoadError", `${file}: ${why}`, {
    details: { file },
    ...(cause instanceof Error ? { cause } : {}),
  });
}
