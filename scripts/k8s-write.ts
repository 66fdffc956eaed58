/** `npm run k8s:write`: writes the manifests under k8s/ that come from k8s/render. */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { loadNodes } from "../actors/index.ts";
import { packageVersion } from "../cli/package-info.ts";
import { CHART_COPIES, chartFiles, manifestTree } from "../k8s/index.ts";

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "k8s");
const read = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");
const { nodes } = await loadNodes();
const types = [...nodes.values()].map(({ nodeType }) => nodeType);
const files = new Map(
  manifestTree(types, packageVersion(), parse(read("../examples/observability/prometheus-rules.yaml"))),
);
for (const [file, text] of chartFiles(types)) files.set(`chart/${file}`, text);
for (const [from, to] of CHART_COPIES) files.set(to, read(from));
for (const [file, text] of files) {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), text);
  process.stderr.write(`wrote k8s/${file}\n`);
}
