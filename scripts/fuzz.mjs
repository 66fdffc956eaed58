/** `npm run test:fuzz`: set-up, then the campaign of tests/fuzz. Exit code 1 when it found anything. */
import { setUp } from "./setup.mjs";

await setUp();
// Not there before the set-up.
(await import("tsx/esm/api")).register({ tsconfig: false });
const { main } = await import("../tests/fuzz/main.ts");
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`test:fuzz: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 2;
}
// A connection that nobody closed must not keep the figures waiting.
setTimeout(() => process.exit(), 2_000).unref();
