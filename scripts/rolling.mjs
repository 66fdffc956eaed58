/** `npm run test:rolling`: set-up, then the restarts of tests/rolling. Exit code 1 when anything was lost. */
import { setUp } from "./setup.mjs";

await setUp();
// Not there before the set-up.
(await import("tsx/esm/api")).register({ tsconfig: false });
const { main } = await import("../tests/rolling/main.ts");
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`test:rolling: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 2;
}
// A connection that a stopped server never closed must not keep the figures waiting.
setTimeout(() => process.exit(), 2_000).unref();
