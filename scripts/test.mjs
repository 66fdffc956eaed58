/**
 * `npm test`: set-up, then vitest. The last line is `tests: N passed, N failed`; the exit code is not 0 when anything
 * failed, or when no test ran. Arguments go to vitest: `npm test -- --project pure`.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root, setUp } from "./setup.mjs";

const report = path.join(root, ".rayflow", `test-report-${process.pid}.json`);

async function main() {
  await setUp();
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const args = [
    "run",
    ...process.argv.slice(2),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  const exitCode = await new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  return { exitCode, ...count() };
}

function count() {
  let found;
  try {
    found = JSON.parse(fs.readFileSync(report, "utf8"));
  } catch {
    return { passed: 0, failed: 0 };
  } finally {
    fs.rmSync(report, { force: true });
  }
  // A file that did not even load has no tests to count: it is one failure.
  const unloaded = found.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return { passed: found.numPassedTests, failed: found.numFailedTests + unloaded.length };
}

let outcome;
try {
  outcome = await main();
} catch (error) {
  process.stderr.write(`npm test: ${error.message}\n`);
  outcome = { exitCode: 1, passed: 0, failed: 0 };
}
const { exitCode, passed } = outcome;
// An error outside of any test fails the whole: it counts as one.
const failed = exitCode !== 0 && outcome.failed === 0 && passed > 0 ? 1 : outcome.failed;
process.exitCode = exitCode !== 0 ? exitCode : failed > 0 || passed === 0 ? 1 : 0;
process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
