/** Checks what package.json promises: every export, its types and the command exist, load and would be published. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";

/** What `import … from "rayflow"` must offer. */
const wanted = ["connect", "defineNode", "RayflowError", "runFlow", "take", "z"];

await setUp();
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const problems = [];

const targets = Object.values(manifest.exports).flatMap((entry) =>
  typeof entry === "string" ? entry : Object.values(entry),
);
for (const target of [...targets, ...Object.values(manifest.bin)]) {
  if (!fs.existsSync(path.join(root, target))) problems.push(`${target} is missing`);
}

const packed = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 << 20,
  }),
);
const report = Array.isArray(packed) ? packed[0] : Object.values(packed)[0];
const files = new Set(report.files.map((file) => file.path));
for (const target of [...targets, ...Object.values(manifest.bin)]) {
  if (!files.has(path.posix.normalize(target))) problems.push(`${target} would not be published`);
}
const stray = [...files].filter((file) => /\.test\.|tsbuildinfo|\.rayflow/.test(file));
if (stray.length > 0) problems.push(`published by accident: ${stray.join(", ")}`);

const library = await import(pathToFileURL(path.join(root, "dist", "index.js")).href);
for (const name of wanted) if (!(name in library)) problems.push(`"rayflow" does not export ${name}`);

const version = execFileSync(process.execPath, [path.join(root, "bin", "rayflow.mjs"), "version"], {
  encoding: "utf8",
});
if (!version.includes(manifest.version)) problems.push(`rayflow version prints ${JSON.stringify(version)}`);

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stderr.write(problems.length === 0 ? `exports: ok (${files.size} files)\n` : "exports: wrong\n");
process.exitCode = problems.length === 0 ? 0 : 1;
