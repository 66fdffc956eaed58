/**
 * As much of kustomize as k8s/ uses, for tests that may not count on a kustomize: resources, components, configMapGenerator,
 * patches (strategic merge and JSON 6902), namespace, replicas, images, and the hash in a ConfigMap's name. Whatever it does
 * not know it refuses. `npm run k8s:check` compares it with the real one.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { applyJsonPatch, mergeStrategically, type Tree } from "./patches.ts";

const KNOWN = new Set(
  "apiVersion kind resources components namespace configMapGenerator patches replicas images".split(" "),
);

interface Target {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly labelSelector?: string;
}

interface Generator {
  readonly name: string;
  readonly namespace?: string;
  readonly behavior?: string;
  readonly literals?: readonly string[];
  readonly files?: readonly string[];
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly namespace?: string;
  readonly configMapGenerator?: readonly Generator[];
  readonly patches?: readonly { readonly path?: string; readonly patch?: string; readonly target?: Target }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly images?: readonly { name: string; newName?: string; newTag?: string; digest?: string }[];
}

/** What `kustomize build <folder>` gives, in the order of the sources. */
export function kustomizeBuild(folder: string): Tree[] {
  const built: Tree[] = [];
  accumulate(folder, built);
  const renamed = new Map<string, string>();
  for (const resource of built) {
    if (!generated.has(resource)) continue;
    const meta = resource.metadata as Tree;
    const name = `${meta.name}-${contentHash(resource)}`;
    renamed.set(`${meta.namespace} ${meta.name}`, name);
    meta.name = name;
  }
  for (const resource of built) {
    // Of the same namespace, as it is written: a resource without one is not in that of the others.
    renameConfigMaps(resource, (name) => renamed.get(`${(resource.metadata as Tree).namespace} ${name}`) ?? name);
  }
  return built;
}

const generated = new WeakSet<Tree>();

function accumulate(folder: string, built: Tree[]): void {
  const text = readFileSync(path.join(folder, "kustomization.yaml"), "utf8");
  const kustomization = parse(text) as Kustomization & Tree;
  for (const key of Object.keys(kustomization)) {
    if (!KNOWN.has(key)) throw new Error(`${folder}: this renderer does not know ${key}`);
  }
  const isComponent = kustomization.kind === "Component";
  // A component works on what is there; a kustomization has its own, which then joins the rest.
  const own = isComponent ? built : [];
  for (const entry of kustomization.resources ?? []) {
    const file = path.join(folder, entry);
    if (statSync(file).isDirectory()) accumulate(file, own);
    else own.push(...readDocuments(file));
  }
  for (const generator of kustomization.configMapGenerator ?? []) generate(folder, generator, own);
  for (const component of kustomization.components ?? []) accumulate(path.join(folder, component), own);
  for (const patch of kustomization.patches ?? []) applyPatch(folder, patch, own);
  transform(kustomization, own);
  if (!isComponent) built.push(...own);
}

function readDocuments(file: string): Tree[] {
  return parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as Tree);
}

function generate(folder: string, generator: Generator, own: Tree[]): void {
  const data: Record<string, string> = {};
  for (const file of generator.files ?? []) data[file] = readFileSync(path.join(folder, file), "utf8");
  for (const literal of generator.literals ?? []) {
    const at = literal.indexOf("=");
    data[literal.slice(0, at)] = literal.slice(at + 1);
  }
  const there = own.find(({ kind, metadata }) => kind === "ConfigMap" && (metadata as Tree).name === generator.name);
  if (generator.behavior === "merge") {
    if (there === undefined) throw new Error(`${folder}: no ConfigMap ${generator.name} to merge with`);
    Object.assign(there.data as object, data);
    return;
  }
  if (there !== undefined || generator.behavior !== undefined) throw new Error(`${folder}: ${generator.name} is there`);
  const { name, namespace } = generator;
  const made: Tree = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    data,
  };
  generated.add(made);
  own.push(made);
}

function applyPatch(folder: string, patch: NonNullable<Kustomization["patches"]>[number], own: Tree[]): void {
  const text = patch.path === undefined ? patch.patch : readFileSync(path.join(folder, patch.path), "utf8");
  const content: unknown = parse(text ?? "");
  if (Array.isArray(content)) {
    const targets = own.filter((resource) => matches(resource, patch.target ?? {}));
    if (targets.length === 0 || patch.target === undefined) throw new Error(`${folder}: a patch that fits nothing`);
    for (const resource of targets) applyJsonPatch(resource, content);
    return;
  }
  const merged = content as Tree;
  const { name } = merged.metadata as Tree;
  const found = own.find(({ kind, metadata }) => kind === merged.kind && (metadata as Tree).name === name);
  if (found === undefined) throw new Error(`${folder}: no ${merged.kind} ${name} to patch`);
  mergeStrategically(found, merged);
}

function matches(resource: Tree, target: Target): boolean {
  const meta = resource.metadata as Tree;
  const [version, group = ""] = String(resource.apiVersion).split("/").reverse();
  const labels = (meta.labels ?? {}) as Record<string, string>;
  const [key, value] = target.labelSelector?.split("=") ?? [];
  return (
    (target.kind === undefined || target.kind === resource.kind) &&
    (target.name === undefined || target.name === meta.name) &&
    (target.group === undefined || target.group === group) &&
    (target.version === undefined || target.version === version) &&
    (key === undefined || labels[key] === value)
  );
}

function transform({ namespace, replicas = [], images = [] }: Kustomization, own: Tree[]): void {
  for (const resource of own) {
    const meta = resource.metadata as Tree;
    if (namespace !== undefined) {
      if (resource.kind === "Namespace") meta.name = namespace;
      else meta.namespace = namespace;
    }
    for (const { name, count } of replicas) {
      const scales = ["Deployment", "StatefulSet"].includes(String(resource.kind));
      if (scales && meta.name === name) (resource.spec as Tree).replicas = count;
    }
    for (const container of containersOf(resource)) {
      for (const image of images) container.image = renamedImage(String(container.image), image);
    }
  }
}

function containersOf(resource: Tree): Tree[] {
  const template = (resource.spec as Tree | undefined)?.template as Tree | undefined;
  return ((template?.spec as Tree | undefined)?.containers ?? []) as Tree[];
}

function renamedImage(image: string, wanted: NonNullable<Kustomization["images"]>[number]): string {
  const [name, tag] = /^(.*?)(?::([^:/]*))?$/.exec(image)?.slice(1) ?? [];
  if (name !== wanted.name) return image;
  const newName = wanted.newName ?? name;
  if (wanted.digest !== undefined) return `${newName}@${wanted.digest}`;
  return `${newName}:${wanted.newTag ?? tag}`;
}

/** kustomize's own: ten characters of the content's SHA-256, with what could spell a word replaced. The name is none of it. */
function contentHash({ data }: Tree): string {
  const sorted = Object.fromEntries(Object.entries(data as object).sort(([a], [b]) => (a < b ? -1 : 1)));
  const json = goJson({ data: sorted, kind: "ConfigMap", name: "" });
  const words: Record<string, string> = { "0": "g", "1": "h", "3": "k", a: "m", e: "t" };
  const hex = createHash("sha256").update(json).digest("hex").slice(0, 10);
  return [...hex].map((char) => words[char] ?? char).join("");
}

/** Go's JSON writes these three as escapes. */
function goJson(value: object): string {
  return JSON.stringify(value).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** Wherever a workload names a ConfigMap: its environment, its volumes. */
function renameConfigMaps(node: unknown, nameOf: (name: string) => string): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (["configMapRef", "configMap", "configMapKeyRef"].includes(key)) value.name = nameOf(value.name);
    else renameConfigMaps(value, nameOf);
  }
}
