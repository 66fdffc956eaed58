/** The two kinds of patch that kustomize has. */

export type Tree = Record<string, unknown>;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902, its `add`, `replace` and `remove`. */
export function applyJsonPatch(document: Tree, operations: readonly Operation[]): void {
  for (const { op, path, value } of operations) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce<unknown>((node, key) => child(node, key, path), document);
    if (op !== "add" && child(parent, last, path) === undefined) throw new Error(`there is no ${path}`);
    if (Array.isArray(parent)) {
      const at = last === "-" ? parent.length : Number(last);
      if (op === "add") parent.splice(at, 0, structuredClone(value));
      else if (op === "replace") parent[at] = structuredClone(value);
      else if (op === "remove") parent.splice(at, 1);
      else throw new Error(`this renderer does not know the operation ${op}`);
    } else if (op === "add" || op === "replace") (parent as Tree)[last] = structuredClone(value);
    else if (op === "remove") delete (parent as Tree)[last];
    else throw new Error(`this renderer does not know the operation ${op}`);
  }
}

function child(node: unknown, key: string, path: string): unknown {
  if (typeof node !== "object" || node === null) throw new Error(`there is no ${path}`);
  return (node as Tree)[key];
}

/** What identifies an element of these lists; other lists are replaced as a whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: "name",
  env: "name",
  ports: "containerPort",
  volumeMounts: "mountPath",
  volumes: "name",
};

/** Kubernetes' strategic merge, for the lists above. New elements come first, as kustomize has it. */
export function mergeStrategically(target: Tree, patch: Tree): void {
  for (const [key, value] of Object.entries(patch)) {
    const there = target[key];
    if (value === null) delete target[key];
    else if (Array.isArray(value) && Array.isArray(there) && MERGE_KEYS[key] !== undefined) {
      target[key] = mergeLists(there, value, MERGE_KEYS[key]);
    } else if (isTree(value) && isTree(there)) mergeStrategically(there, value);
    else target[key] = structuredClone(value);
  }
}

function mergeLists(there: unknown[], patches: unknown[], key: string): unknown[] {
  const added: unknown[] = [];
  for (const patch of patches) {
    if (!isTree(patch) || patch.$patch !== undefined) throw new Error("this renderer does not know such a patch");
    const found = there.find((element) => isTree(element) && element[key] === patch[key]);
    if (isTree(found)) mergeStrategically(found, patch);
    else added.push(structuredClone(patch));
  }
  return [...added, ...there];
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
