/**
 * Manifests against typed schemas: their values by the schemas' own validators, and their keys by the compiler, which
 * refuses a key that an object literal's type does not have, at any depth. The validators alone let unknown keys pass.
 */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Tree } from "./patches.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");

const PACKAGES: Readonly<Record<string, string>> = {
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

/** Where the type of a manifest is. */
function moduleOf({ apiVersion, kind }: Tree): string {
  const [group = ""] = String(apiVersion).split("/");
  return `${PACKAGES[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
}

/** What is wrong with their values, a line each with the manifest's name. */
export async function invalidValues(manifests: readonly Tree[]): Promise<string[]> {
  const found: string[] = [];
  for (const manifest of manifests) {
    const loaded = (await import(moduleOf(manifest))) as Record<string, new (data: Tree) => { validate(): void }>;
    const Model = loaded[String(manifest.kind)];
    if (Model === undefined) throw new Error(`no schema for ${manifest.kind}`);
    try {
      new Model(manifest).validate();
    } catch (error) {
      found.push(`${title(manifest)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return found;
}

/** What the compiler says of them, a line each with the manifest's name: unknown keys above all. */
export async function typeErrors(manifests: readonly Tree[]): Promise<string[]> {
  const folder = path.join(root, ".rayflow", `k8s-types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const kinds = new Map(manifests.map((manifest) => [moduleOf(manifest), String(manifest.kind)]));
    const aliases = new Map([...kinds.keys()].map((module, at) => [module, `T${at}`]));
    const lines = [...aliases].map(
      ([module, alias]) => `import type { I${kinds.get(module)} as ${alias} } from ${JSON.stringify(module)};`,
    );
    const first = lines.length;
    manifests.forEach((manifest, at) => {
      lines.push(`export const m${at}: ${aliases.get(moduleOf(manifest))} = ${JSON.stringify(manifest)};`);
    });
    writeFileSync(path.join(folder, "check.ts"), lines.join("\n"));
    writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
    const printed = await compile(folder);
    return printed.split("\n").flatMap((line) => {
      if (!line.includes("error TS")) return [];
      const at = Number(/check\.ts\((\d+),/.exec(line)?.[1]) - 1 - first;
      const manifest = manifests[at];
      return [`${manifest === undefined ? "" : title(manifest)}: ${line.replace(/^.*error /, "")}`];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compile(folder: string): Promise<string> {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const flags = "--noEmit --strict --skipLibCheck --pretty false --module nodenext --target es2023 --types".split(" ");
  const args = [tsc, ...flags, "", "--ignoreConfig", path.join(folder, "check.ts")];
  return new Promise((resolve) => {
    // Its exit code is 2 when it finds something, which it must.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const ran = error === null || stdout.includes("error TS");
      resolve(ran ? stdout : `error TS0: the compiler did not run: ${stdout}${stderr}${error.message}`);
    });
  });
}

function title({ kind, metadata }: Tree): string {
  return `${kind}/${(metadata as Tree).name}`;
}
