/** For documents that are written by a script: writes one, or with `--check` fails when it is not up to date. */
import fs from "node:fs";
import path from "node:path";

export function writeOrCheck(file, text) {
  if (!process.argv.includes("--check")) {
    fs.writeFileSync(file, text);
    process.stderr.write(`wrote ${path.relative(process.cwd(), file)}\n`);
    return;
  }
  const current = fs.existsSync(file) && fs.readFileSync(file, "utf8") === text;
  if (!current) {
    process.stderr.write(`${path.relative(process.cwd(), file)} is out of date: npm run docs\n`);
    process.exitCode = 1;
  }
}
