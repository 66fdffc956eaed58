/**
 * `npm start`: set-up, then `rayflow dev` in this same process, so that signals reach it without a relay.
 * `npm start -- deliberate "…"`: that command in its place.
 */
import { root, setUp } from "./setup.mjs";

try {
  await setUp();
} catch (error) {
  process.stderr.write(`npm start: ${error.message}\n`);
  process.exit(1);
}
process.chdir(root);
const args = process.argv.slice(2);
process.argv = [process.argv[0], "rayflow", ...(args[0] === "deliberate" ? [] : ["dev"]), ...args];
await import("../dist/cli/main.js");
