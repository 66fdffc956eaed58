/** `npm start`: set-up, then `rayflow dev` in this same process, so that signals reach it without a relay. */
import { root, setUp } from "./setup.mjs";

try {
  await setUp();
} catch (error) {
  process.stderr.write(`npm start: ${error.message}\n`);
  process.exit(1);
}
process.chdir(root);
process.argv = [process.argv[0], "rayflow", "dev", ...process.argv.slice(2)];
await import("../dist/cli/main.js");
