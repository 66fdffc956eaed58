/** `npm run build`: set-up with a build that starts from nothing, and fails on type errors. */
import fs from "node:fs";
import path from "node:path";
import { root, setUp } from "./setup.mjs";

fs.rmSync(path.join(root, "dist"), { recursive: true, force: true });
try {
  await setUp({ strict: true });
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = 1;
}
