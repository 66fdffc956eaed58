/** Finds the node files in a folder: `<category>/<name>.ts`, flat, or up to three levels deep. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** In order of preference, where a name comes with several: the source before what was built from it. */
const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];
const MAX_DEPTH = 3;

export interface NodeFile {
  readonly path: string;
  /** Relative to the folder, with slashes and without extension: `math/add`. */
  readonly name: string;
}

/** Sorted by name. A folder that does not exist holds none. */
export async function findNodeFiles(dir: string): Promise<NodeFile[]> {
  const found = new Map<string, { path: string; rank: number }>();
  await scan(dir, "", 1, found);
  return [...found].map(([name, { path }]) => ({ path, name })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function scan(dir: string, prefix: string, depth: number, found: Map<string, { path: string; rank: number }>) {
  for (const entry of await entriesOf(dir)) {
    if (/^[._]/.test(entry) || entry === "node_modules") continue;
    const path = join(dir, entry);
    // stat, not the entry's own type: files mounted into a container are often links.
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory()) {
      if (depth < MAX_DEPTH) await scan(path, `${prefix}${entry}/`, depth + 1, found);
      continue;
    }
    const rank = EXTENSIONS.findIndex((extension) => entry.endsWith(extension));
    const stem = entry.slice(0, -(EXTENSIONS[rank]?.length ?? 0));
    if (!stats?.isFile() || rank === -1 || isNoNode(stem)) continue;
    const known = found.get(prefix + stem);
    if (!known || rank < known.rank) found.set(prefix + stem, { path, rank });
  }
}

async function entriesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** `x.test.ts`, `x.d.ts`, `index.ts`. */
function isNoNode(stem: string): boolean {
  return stem === "index" || stem.endsWith(".d") || /\.(test|spec)$/.test(stem) || stem.includes(".test.");
}
