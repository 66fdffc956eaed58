/** `npm run clean`: removes what a build or a run made, but not the installed packages. */
import fs from "node:fs";
import path from "node:path";
import { root } from "./setup.mjs";

for (const name of ["dist", ".rayflow", "coverage"]) {
  fs.rmSync(path.join(root, name), { recursive: true, force: true });
}
