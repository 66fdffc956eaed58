/**
 * `tsx scripts/record-logs.ts v2`: records the logs of today's version into tests/fixtures/logs/v2. What was recorded once
 * is never written again.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Recording, replay } from "../orchestrator/simulation/testing-recordings.ts";
import { scenarios } from "../orchestrator/simulation/testing-scenarios.ts";

const version = process.argv[2] ?? "";
if (!/^v\d+$/.test(version)) throw new Error("usage: tsx scripts/record-logs.ts v<number>");
const folder = join(import.meta.dirname, "../tests/fixtures/logs", version);
// Fails when it is there.
mkdirSync(join(folder, ".."), { recursive: true });
mkdirSync(folder);
for (const [name, play] of Object.entries(scenarios)) {
  const { log, result } = play();
  if (!result) throw new Error(`${name} does not end`);
  const recording: Recording = { v: 1, name, run: result.run_id, partition: 0, entries: log, ...statesOf(log), result };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(recording, undefined, 1)}\n`);
}
process.stdout.write(`${Object.keys(scenarios).length} logs in ${folder}\n`);

function statesOf(log: Recording["entries"]): Pick<Recording, "states"> {
  return { states: replay(0, log).states };
}
