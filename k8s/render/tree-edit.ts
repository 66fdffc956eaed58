/** Changes in a copy of a manifest. */
import type { Manifest } from "./manifest.ts";

export type Tree = Record<string, unknown>;

export function edit(manifest: Manifest, change: (tree: Tree) => void): Manifest {
  const copy = structuredClone(manifest);
  change(copy as unknown as Tree);
  return copy;
}

/** The object at a path, which is there. */
export function at(tree: Tree, ...path: readonly string[]): Tree {
  return path.reduce<Tree>((inner, key) => inner[key] as Tree, tree);
}
