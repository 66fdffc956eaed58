/** What tests ask of rendered manifests. */
import type { Tree } from "./patches.ts";

export interface Pod {
  /** The workload that makes it. */
  readonly owner: Tree;
  readonly labels: Record<string, string>;
  readonly spec: Tree;
}

export function podsOf(manifests: readonly Tree[]): Pod[] {
  return manifests.flatMap((owner) => {
    const template = (owner.spec as Tree | undefined)?.template as Tree | undefined;
    if (template === undefined) return [];
    const { labels } = template.metadata as { labels: Record<string, string> };
    return [{ owner, labels, spec: template.spec as Tree }];
  });
}

export function containersOf(workload: Tree): Tree[] {
  const template = (workload.spec as Tree | undefined)?.template as Tree | undefined;
  return ((template?.spec as Tree | undefined)?.containers ?? []) as Tree[];
}

/** Whether a label selector fits; `named`: one that fits everything does not count. */
export function covers(selector: Tree, labels: Record<string, string>, { named = false } = {}): boolean {
  const wanted = Object.entries((selector.matchLabels ?? {}) as Record<string, string>);
  if (named && wanted.length === 0) return false;
  return wanted.every(([key, value]) => labels[key] === value);
}

/** Secrets that docs/kubernetes.md tells one to make, where they are not optional. */
const TOLD_OF = new Set(["rayflow-gateway"]);

/** References to what is not among the manifests, a line each. */
export function unknownReferences(manifests: readonly Tree[], elsewhere: readonly string[]): string[] {
  const has = (kind: string) =>
    new Set(manifests.filter((one) => one.kind === kind).map(({ metadata }) => String((metadata as Tree).name)));
  const configMaps = new Set([...has("ConfigMap"), ...elsewhere]);
  return podsOf(manifests).flatMap(({ owner, spec }) => {
    const found: string[] = [];
    const name = (owner.metadata as Tree).name;
    const volumes = new Set([
      ...((spec.volumes ?? []) as Tree[]).map((volume) => volume.name),
      ...(((owner.spec as Tree).volumeClaimTemplates ?? []) as Tree[]).map(({ metadata }) => (metadata as Tree).name),
    ]);
    walk(spec, (key, value) => {
      const referred = String(value.name ?? value.secretName);
      if (key.startsWith("configMap") && !configMaps.has(referred) && value.optional !== true) {
        found.push(`${name}: ConfigMap ${referred}`);
      }
      if (key.startsWith("secret") && value.optional !== true && !TOLD_OF.has(referred)) {
        found.push(`${name}: Secret ${referred}`);
      }
    });
    for (const container of (spec.containers ?? []) as Tree[]) {
      const ports = new Set(((container.ports ?? []) as Tree[]).map((port) => port.name));
      for (const mount of (container.volumeMounts ?? []) as Tree[]) {
        if (!volumes.has(mount.name)) found.push(`${name}: volume ${mount.name}`);
      }
      walk(container, (key, value) => {
        if (["httpGet", "tcpSocket"].includes(key) && !ports.has(value.port)) found.push(`${name}: port ${value.port}`);
      });
    }
    return found;
  });
}

function walk(node: unknown, visit: (key: string, value: Tree) => void): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) visit(key, value as Tree);
    walk(value, visit);
  }
}

/**
 * Manifests by kind and name, without what the two tools do in ways of their own: the hash in a ConfigMap's name against
 * a checksum in an annotation, the namespace that one writes and the other implies, Helm's hooks, comments in
 * configuration files.
 */
export function comparable(manifests: readonly Tree[]): Record<string, unknown> {
  const entries = manifests
    .filter(({ kind }) => kind !== "Namespace")
    .map((manifest): [string, unknown] => {
      const plain = JSON.parse(
        JSON.stringify(manifest, (key, value: unknown) => {
          if (key.startsWith("checksum/") || key.startsWith("helm.sh/")) return undefined;
          return typeof value === "string" ? value.replace(/^((?:[a-z]+-)+(?:env|config))-[a-z0-9]{10}$/, "$1") : value;
        }),
      ) as Tree & { metadata: Tree };
      plain.metadata.namespace = "rayflow";
      dropEmptyAnnotations(plain);
      if (plain.kind === "ConfigMap") {
        plain.data = Object.fromEntries(Object.entries(plain.data as object).map(([key, text]) => [key, lines(text)]));
      }
      return [`${plain.kind}/${plain.metadata.name}`, plain];
    });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function dropEmptyAnnotations(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === "annotations" && Object.keys(value).length === 0) delete (node as Tree)[key];
    else dropEmptyAnnotations(value);
  }
}

/** A configuration file's lines without comments and white space. */
function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Paths of all keys that a schema of nested objects names, `a.b.c`. */
export function allowedKeys(schema: Tree, prefix = ""): string[] {
  return Object.entries((schema.properties ?? {}) as Record<string, Tree>).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...allowedKeys(inner, `${prefix}${key}.`),
  ]);
}
