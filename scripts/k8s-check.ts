/**
 * `npm run k8s:check`: what the tests render is what the real kubectl and helm render; helm's linter has nothing against
 * the chart. With `-- --server` the API server of the current context is asked too, as a dry run with strict validation:
 * it must have the CRDs of KEDA and of the Prometheus operator, and the namespace `rayflow`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseAllDocuments, stringify } from "yaml";
import { toYaml } from "../k8s/index.ts";
import { helmTemplate } from "../tests/k8s/helm.ts";
import { kustomizeBuild } from "../tests/k8s/kustomize.ts";
import type { Tree } from "../tests/k8s/patches.ts";
import {
  builtinTypes,
  chart,
  k8sFolder,
  OTHER_VALUES,
  overlays,
  productionValues,
  renderings,
} from "../tests/k8s/renderings.ts";

/** What the chart asks for at least; a helm without a cluster takes this for the cluster's. */
const KUBE_VERSION = "1.30.0";
const folder = mkdtempSync(path.join(tmpdir(), "rayflow-k8s-check-"));
let failures = 0;

function say(what: string, problems: readonly string[]): void {
  failures += problems.length;
  process.stdout.write(`${problems.length === 0 ? "ok  " : "FAIL"} ${what}\n`);
  for (const problem of problems.slice(0, 20)) process.stdout.write(`     ${problem}\n`);
}

function run(
  command: string,
  args: readonly string[],
  input = "",
): { readonly text: string; readonly problems: string[] } {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", input, maxBuffer: 64 << 20 });
  if (error !== undefined) return { text: "", problems: [`${command} cannot be run: ${error.message}`] };
  return { text: stdout, problems: status === 0 ? [] : [stderr.trim() || stdout.trim()] };
}

/** Objects that are not the same, by kind and name. Checksums are of text, and both write it in ways of their own. */
function differences(mine: readonly Tree[], real: readonly Tree[]): string[] {
  const byId = (manifests: readonly Tree[]) =>
    new Map(
      manifests.map((one) => {
        const plain = JSON.parse(JSON.stringify(one, (key, value) => (key.startsWith("checksum/") ? "" : value)));
        return [`${one.kind}/${(one.metadata as Tree).name}`, plain];
      }),
    );
  const [a, b] = [byId(mine), byId(real)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((id) => !isDeepStrictEqual(a.get(id), b.get(id)));
}

function documents(text: string): Tree[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Tree | null)
    .filter((one) => one !== null);
}

try {
  for (const overlay of overlays) {
    const source = path.join(k8sFolder, overlay);
    const { text, problems } = run("kubectl", ["kustomize", source]);
    say(`kustomize ${overlay}`, [...problems, ...differences(kustomizeBuild(source), documents(text))]);
  }
  const values = { "default values": {}, "production values": productionValues(), ...OTHER_VALUES };
  for (const [title, some] of Object.entries(values)) {
    const file = path.join(folder, "values.yaml");
    writeFileSync(file, stringify(some));
    const flags = ["--kube-version", KUBE_VERSION, "--namespace", "rayflow", "--values", file];
    say(`helm lint, ${title}`, run("helm", ["lint", "--strict", chart, ...flags]).problems);
    const { text, problems } = run("helm", ["template", "rayflow", chart, ...flags]);
    say(`helm template, ${title}`, [
      ...problems,
      ...differences(helmTemplate(chart, { values: [some] }), documents(text)),
    ]);
  }
  if (process.argv.includes("--server")) {
    const apply =
      "apply --server-side --force-conflicts --dry-run=server --validate=strict --namespace rayflow -f -".split(" ");
    for (const [title, manifests] of renderings(await builtinTypes())) {
      const { text, problems } = run("kubectl", apply, toYaml(manifests as never));
      const applied = text.trim().split("\n").length;
      say(`server takes ${title}: ${applied} of ${manifests.length}`, problems);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
