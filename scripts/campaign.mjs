/** Runs a campaign of tests/<name>: set-up first, then its `main`. Exit code as it says; 2 when it could not be run. */
import { setUp } from "./setup.mjs";

export async function runCampaign(name) {
  await setUp();
  // Not there before the set-up.
  (await import("tsx/esm/api")).register({ tsconfig: false });
  const { main } = await import(`../tests/${name}/main.ts`);
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`test:${name}: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 2;
  }
  // A connection that a stopped server never closed must not keep the figures waiting.
  setTimeout(() => process.exit(), 2_000).unref();
}
